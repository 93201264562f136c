(* What the lowering of spec/operators.md works on: tensors in their three states, the core program under construction,
   shapes, and the attributes of a node. The families of operators are in lower_movement, lower_sums, lower_others. *)

open Refusal
open Types

(* Rows of a sum node that are not elements yet. Products and addends are one list of terms, as only their numbers
   matter; every row of a node has the same number of addends and of constants. *)
type rows = {
  shape : int array;
  start : int array;
  element : int array;
  weight : float array;
  products : int array;           (* number of product terms, one per row *)
  addends : int;
  constants : float array list;   (* b_1 .. b_r, each with one value per row *)
}

type tensor =
  | Constant of Onnx.tensor
  | View of int array * int array (* shape, element of each entry *)
  | Pending of rows

type state = {
  opset : int64;                            (* version of the default operator set *)
  mutable emitted : operator list;          (* last first *)
  mutable firsts : int list;
  mutable next : int;                       (* next element *)
  mutable terms : int;
  mutable allotted : int;                   (* entries of all tensors made so far *)
  mutable worked : int;                     (* products looked at, zeros included *)
}

let max_program_elements = 1 lsl 26
let max_program_terms = 1 lsl 28
let max_allotted = 1 lsl 28
let max_work = 1 lsl 33

let shape_text shape =
  "[" ^ String.concat "," (Array.to_list (Array.map string_of_int shape)) ^ "]"

(* Every refusal in the lowering names the node. *)
let place (node : Onnx.node) =
  Printf.sprintf "node %d '%s' (%s)" node.index (shown node.label) (shown node.op)

let refuse node format =
  Printf.ksprintf (fun text -> malformed "no certified meaning: %s: %s" (place node) text) format

(* What spec/operators.md gives a meaning that the Coq development has no rule for. *)
let not_proved (node : Onnx.node) rule = malformed "%s: rule not proved in Coq yet: %s" (place node) rule

(* Appends an operator and returns the index of its first element. *)
let emit state where operator =
  let size = operator_size operator in
  let first = state.next in
  (match operator with Input _ -> () | _ -> if size = 0 then malformed "no certified meaning: %s: a tensor is empty" where);
  state.terms <- state.terms + operator_terms operator;
  if first + size > max_program_elements then malformed "%s: program exceeds %d elements" where max_program_elements;
  if state.terms > max_program_terms then malformed "%s: program exceeds %d terms" where max_program_terms;
  state.emitted <- operator :: state.emitted;
  state.firsts <- first :: state.firsts;
  state.next <- first + size;
  first

let consecutive first size = Array.init size (fun n -> first + n)

let floats_of_bigarray (data : Onnx.floats) = Array.init (Bigarray.Array1.dim data) (fun n -> Bigarray.Array1.get data n)

let check_finite where (data : Onnx.floats) =
  for n = 0 to Bigarray.Array1.dim data - 1 do
    if not (Onnx.float_finite (Bigarray.Array1.get data n)) then
      malformed "no certified meaning: %s: entry %d of a constant is not finite" where n
  done

(* The elements of a constant that becomes a core operator. *)
let emit_constant state where (data : Onnx.floats) =
  check_finite where data;
  let values = floats_of_bigarray data in
  let first = emit state where (Types.Constant values) in
  consecutive first (Array.length values)

(* The operand as a view; a constant becomes a core operator at this moment. *)
let as_view state node what = function
  | View (shape, elements) -> shape, elements
  | Constant { shape; values = Floats data } -> shape, emit_constant state (place node) data
  | Constant _ -> refuse node "%s is a constant that is not float32" what
  | Pending _ -> refuse node "%s is a sum that was not emitted" what

let strict_view node what = function
  | View (shape, elements) -> shape, elements
  | Constant _ -> refuse node "%s is constant" what
  | Pending _ -> refuse node "%s is a sum that was not emitted" what

let float_constant node what = function
  | Constant { shape; values = Floats data } -> check_finite (place node) data; shape, data
  | Constant _ -> refuse node "%s is not float32" what
  | _ -> refuse node "%s is not constant" what

let integer_constant node what = function
  | Constant { shape; values = Integers ((6 | 7), values) } ->
    if Array.length shape > 1 then refuse node "%s has rank %d, not 1" what (Array.length shape);
    Array.map (fun z ->
        if Z.fits_int z && abs (Z.to_int z) <= Onnx.max_elements then Z.to_int z
        else refuse node "%s holds %s" what (Z.to_string z)) values
  | Constant _ -> refuse node "%s is neither int32 nor int64" what
  | _ -> refuse node "%s is not constant" what

let tensor_shape = function
  | Constant t -> t.shape
  | View (shape, _) -> shape
  | Pending rows -> rows.shape

(* Row-major strides; an axis of extent 1 gets stride 0, so that broadcasting is reading with these strides. *)
let broadcast_strides shape rank =
  let own = Array.length shape in
  let strides = Array.make rank 0 in
  let step = ref 1 in
  for axis = own - 1 downto 0 do
    if shape.(axis) <> 1 then strides.(axis + rank - own) <- !step;
    step := !step * shape.(axis)
  done;
  strides

let strides shape =
  let rank = Array.length shape in
  let out = Array.make rank 1 in
  for axis = rank - 2 downto 0 do out.(axis) <- out.(axis + 1) * shape.(axis + 1) done;
  out

(* Number of entries of a tensor that a node makes. *)
let count node shape =
  let n = Onnx.element_count (place node) shape in
  if n > max_program_elements then refuse node "a tensor of %d entries" n;
  n

(* A few bytes of a model can ask for much room and time; these two say when it is too much. *)
let allot state node entries =
  state.allotted <- state.allotted + entries;
  if state.allotted > max_allotted then refuse node "the tensors have more than %d entries" max_allotted

let work state node entries products_each =
  if products_each > 0 && entries > (max_work - state.worked) / products_each then
    refuse node "more than %d products" max_work;
  state.worked <- state.worked + entries * products_each

(* numpy: extents agree or one of them is 1. *)
let broadcast_shape node a b =
  let rank = max (Array.length a) (Array.length b) in
  let extent shape axis =
    let own = axis - (rank - Array.length shape) in
    if own < 0 then 1 else shape.(own)
  in
  Array.init rank (fun axis ->
      let x = extent a axis and y = extent b axis in
      if x = y || y = 1 then x
      else if x = 1 then y
      else refuse node "shapes %s and %s do not broadcast" (shape_text a) (shape_text b))

(* For each entry of [shape] in row-major order, the offset sum index * strides: gathers for transpose and broadcast. *)
let offsets shape strides =
  let rank = Array.length shape in
  let total = Array.fold_left ( * ) 1 shape in
  let index = Array.make rank 0 in
  let offset = ref 0 in
  Array.init total (fun _ ->
      let now = !offset in
      let axis = ref (rank - 1) in
      let carrying = ref true in
      while !carrying && !axis >= 0 do
        let a = !axis in
        if index.(a) + 1 < shape.(a) then begin
          index.(a) <- index.(a) + 1;
          offset := !offset + strides.(a);
          carrying := false
        end
        else begin
          offset := !offset - index.(a) * strides.(a);
          index.(a) <- 0;
          decr axis
        end
      done;
      now)

(* The operand at [position], which must be there. *)
let operand node (operands : tensor option array) position =
  if position < Array.length operands then
    match operands.(position) with
    | Some t -> t
    | None -> refuse node "operand %d is missing" position
  else refuse node "operand %d is missing" position

let optional (operands : tensor option array) position =
  if position < Array.length operands then operands.(position) else None

let expect_operands node (operands : tensor option array) least most =
  let n = Array.length operands in
  if n < least || n > most then refuse node "has %d operands" n

(* ---- attributes ---- *)

let find (node : Onnx.node) name = List.find_opt (fun (a : Onnx.attribute) -> a.name = name) node.attributes

let typed node name kind (a : Onnx.attribute) =
  if a.kind <> kind then refuse node "attribute %s has type %d, not %d" name a.kind kind

let bounded node name v =
  if Int64.compare (Int64.abs v) (Int64.of_int Onnx.max_elements) > 0 || v = Int64.min_int then
    refuse node "attribute %s is %Ld" name v;
  Int64.to_int v

let int_attribute node name default =
  match find node name with
  | None -> default
  | Some a -> typed node name Onnx.attribute_int a; bounded node name a.i

let flag_attribute node name = int_attribute node name 0 <> 0

let ints_attribute node name =
  Option.map (fun (a : Onnx.attribute) -> typed node name Onnx.attribute_ints a; Array.map (bounded node name) a.is)
    (find node name)

(* A float attribute is a binary32 number, returned exactly. *)
let float_attribute node name default =
  match find node name with
  | None -> default
  | Some a -> typed node name Onnx.attribute_float a; a.f

let string_attribute node name default =
  match find node name with
  | None -> default
  | Some a -> typed node name Onnx.attribute_string a; a.s

let binary32 x = Int32.float_of_bits (Int32.bits_of_float x)

(* The attributes that an operator defines, in any operator set from 7 on; those that no certified use may carry
   (output_shape, antialias, the other kinds of Constant) are left out. *)
let defined = function
  | "Identity" | "Relu" | "Sigmoid" | "Tanh" | "Add" | "Sub" | "MatMul" -> Some []
  | "Dropout" -> Some [ "ratio"; "seed" ]
  | "Flatten" | "Concat" | "Softmax" -> Some [ "axis" ]
  | "Reshape" -> Some [ "allowzero" ]
  | "Squeeze" | "Unsqueeze" -> Some [ "axes" ]
  | "Transpose" -> Some [ "perm" ]
  | "Upsample" -> Some [ "mode"; "scales" ]
  | "Resize" ->
    Some [ "mode"; "coordinate_transformation_mode"; "nearest_mode"; "cubic_coeff_a"; "exclude_outside";
           "extrapolation_value" ]
  | "Constant" -> Some [ "value" ]
  | "Cast" -> Some [ "to"; "saturate" ]
  | "Gemm" -> Some [ "alpha"; "beta"; "transA"; "transB" ]
  | "Conv" -> Some [ "auto_pad"; "dilations"; "group"; "kernel_shape"; "pads"; "strides" ]
  | "ConvTranspose" ->
    Some [ "auto_pad"; "dilations"; "group"; "kernel_shape"; "output_padding"; "pads"; "strides" ]
  | "BatchNormalization" -> Some [ "epsilon"; "momentum"; "spatial"; "training_mode" ]
  | "LeakyRelu" -> Some [ "alpha" ]
  | "MaxPool" -> Some [ "auto_pad"; "ceil_mode"; "dilations"; "kernel_shape"; "pads"; "storage_order"; "strides" ]
  | _ -> None

(* Operators with a meaning that is not proved yet, by the rule that is missing: that of a core operator, or the lowering. *)
let unproved = function
  | "Exp" | "Reciprocal" | "Sqrt" | "Sin" | "Cos" as op -> Some (String.lowercase_ascii op)
  | "Mul" | "Pow" -> Some "product"
  | "Div" -> Some "reciprocal"
  | "Max" | "Min" | "Clip" | "Abs" | "Neg" | "PRelu" | "HardSigmoid" | "ReduceSum" | "ReduceMean" as op -> Some op
  | _ -> None

let check_attributes (node : Onnx.node) =
  match defined node.op with
  | None -> (match unproved node.op with Some rule -> not_proved node rule | None -> refuse node "operator")
  | Some known ->
    let seen = Hashtbl.create 8 in
    List.iter (fun (a : Onnx.attribute) ->
        if Hashtbl.mem seen a.name then refuse node "attribute '%s' occurs twice" (shown a.name);
        Hashtbl.add seen a.name ();
        if not (List.mem a.name known) then refuse node "attribute '%s'" (shown a.name)) node.attributes
