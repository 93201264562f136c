(* The data that the readers hand to the tree checker: the core program of spec/operators.md, the numbers of the
   property of spec/certificate.md section 3, the semantics. Plain arrays of int and float (binary64), so that a
   function extracted from Coq can take them over element by element.

   Elements are numbered 0, 1, 2, ... over the whole program; operator number p owns the elements
   [first.(p) .. first.(p) + size p - 1], in row-major order. Operators are in the order of emission, operator 0 is the
   one Input. Every operator reads elements of earlier operators only. *)

type affine = {
  start : int array;      (* row i owns the terms start.(i) .. start.(i+1) - 1; length: rows + 1 *)
  element : int array;    (* of every term: the element that it reads, in the order of the specification *)
  weight : float array;   (* of every term: its weight, finite and non-zero *)
  constants : float array list;  (* each of the constants that a row sums, in order, one per row *)
  bias : float array;     (* b, their sum rounded at each step, one per row *)
  magnitude : float array;(* M >= |b|, one per row *)
  k : int array;          (* number of roundings that gamma_k counts, one per row *)
  c0 : float array;       (* underflow term, one per row (a fraction only for BatchNormalization) *)
  factor : float;         (* F >= 1, of the operator *)
  rho : float;            (* relative error of the constants, of the operator *)
}

type unary_kind = Relu | Leaky_relu | Sigmoid | Tanh

type operator =
  | Input of int                                        (* number of elements *)
  | Affine of affine
  | Unary of unary_kind * float * int array             (* alpha (0 unless leaky_relu), source of each element *)
  | Maxpool of int array * int array                    (* start per window (windows + 1 entries), sources *)
  | Constant of float array                             (* value of each element *)
  | Softmax of int array * int array                    (* start per group (groups + 1 entries), source of each element *)

type program = {
  operators : operator array;
  first : int array;      (* first element of each operator *)
  elements : int;         (* number of elements *)
  inputs : int;           (* X_0 .. X_(inputs-1) are the elements 0 .. inputs-1 *)
  outputs : int array;    (* the element of Y_0, Y_1, ... *)
  input_tensors : (string * int array) list;  (* name and shape; X are their entries, one tensor after the other *)
  output_tensors : (string * int array) list; (* likewise Y; for a property of version 2, no tree checker needs them *)
}

(* sum coefficient_k * v_k <= bound, where v_k is X_(index_k) if is_input_k and Y_(index_k) otherwise; first X by index,
   then Y by index; coefficients rounded to nearest, the bound upwards (it may be +infinity, never -infinity). *)
type form = {
  is_input : bool array;
  index : int array;
  coefficient : float array;
  bound : float;
}

type disjunct = {
  lower : float array;    (* one per input, finite *)
  upper : float array;
  forms : form array;     (* the unsafe set is where all of them hold *)
}

type property = disjunct array

type semantics = Real | Float32

let operator_size = function
  | Input n -> n
  | Affine a -> Array.length a.bias
  | Unary (_, _, sources) -> Array.length sources
  | Maxpool (start, _) -> Array.length start - 1
  | Constant values -> Array.length values
  | Softmax (_, sources) -> Array.length sources

let operator_terms = function
  | Input _ | Constant _ -> 0
  | Affine a -> Array.length a.weight
  | Unary (_, _, sources) -> Array.length sources
  | Maxpool (_, sources) | Softmax (_, sources) -> Array.length sources

let operator_name = function
  | Input _ -> "input"
  | Affine _ -> "affine"
  | Unary (Relu, _, _) -> "relu"
  | Unary (Leaky_relu, _, _) -> "leaky_relu"
  | Unary (Sigmoid, _, _) -> "sigmoid"
  | Unary (Tanh, _, _) -> "tanh"
  | Maxpool _ -> "maxpool"
  | Constant _ -> "constant"
  | Softmax _ -> "softmax"

let semantics_name = function Real -> "real" | Float32 -> "float32"
