(* What the readers hand over, as the types of the checker extracted from Coq, and its answer. *)

module E = Extracted

let list size item = List.init size item
let of_array item values = List.init (Array.length values) (fun n -> item values.(n))

let row (a : Types.affine) i : E.row =
  let from = a.start.(i) in
  { constants = List.map (fun (c : float array) -> c.(i)) a.constants;
    bias = a.bias.(i);
    magnitude = a.magnitude.(i);
    gamma_count = float_of_int a.k.(i);
    underflow_count = a.c0.(i);
    terms = list (a.start.(i + 1) - from) (fun n -> (a.element.(from + n), a.weight.(from + n))) }

let window start (sources : int array) i =
  let first = start.(i) in
  (sources.(first), list (start.(i + 1) - first - 1) (fun n -> sources.(first + 1 + n)))

let group start (sources : int array) g = list (start.(g + 1) - start.(g)) (fun n -> sources.(start.(g) + n))

let operator (o : Types.operator) : E.operator =
  match o with
  | Input _ -> invalid_arg "an input after the first operator"
  | Affine a -> Affine (a.factor, a.rho, list (Array.length a.bias) (row a))
  | Unary (Relu, _, sources) -> Relu (Array.to_list sources)
  | Unary (Leaky_relu, alpha, sources) -> LeakyRelu (alpha, Array.to_list sources)
  | Unary (Sigmoid, _, sources) -> Sigmoid (Array.to_list sources)
  | Unary (Tanh, _, sources) -> Tanh (Array.to_list sources)
  | Maxpool (start, sources) -> MaxPool (list (Array.length start - 1) (window start sources))
  | Constant values -> Constant (Array.to_list values)
  | Softmax (start, sources) -> Softmax (list (Array.length start - 1) (group start sources))

let program (p : Types.program) : E.program =
  { inputs = Z.of_int p.inputs;
    operators = List.map operator (List.tl (Array.to_list p.operators));
    outputs = Array.to_list p.outputs }

let constraint_ (f : Types.form) : E.fconstraint =
  let variable n = if f.is_input.(n) then E.X (Z.of_int f.index.(n)) else E.Y (Z.of_int f.index.(n)) in
  { fleft = list (Array.length f.index) (fun n -> (variable n, f.coefficient.(n))); fright = f.bound }

let disjunct (d : Types.disjunct) : E.fdisjunct =
  { fbox = list (Array.length d.lower) (fun j -> (d.lower.(j), d.upper.(j))); fconstraints = of_array constraint_ d.forms }

(* What the proved checker does not cover, and so rejects whatever the tree: a power of two up to 1024 is exact as a factor. *)
let uncovered (p : Types.program) =
  let power_of_two factor = factor >= 1. && factor <= 1024. && fst (Float.frexp factor) = 0.5 in
  let of_operator (o : Types.operator) =
    match o with
    | Affine a when not (power_of_two a.factor) -> Some (Printf.sprintf "a scaled sum with the factor %g" a.factor)
    | _ -> None
  in
  List.find_map of_operator (Array.to_list p.operators)

let accepts p property (semantics : Types.semantics) tree =
  E.check_certificate
    (match semantics with Real -> E.Real | Float32 -> E.Float32)
    (program p)
    (of_array disjunct property)
    (list (String.length tree) (fun n -> Char.code tree.[n]))
