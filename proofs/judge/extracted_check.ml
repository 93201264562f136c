(* What the readers hand over, as the types of the checker extracted from Coq, and its answer. *)

module E = Extracted

let list size item = List.init size item
let of_array item values = List.init (Array.length values) (fun n -> item values.(n))
let element = Uint63.of_int
let number = Float64.of_float

let row (a : Types.affine) i : E.row =
  let from = a.start.(i) in
  { constants = List.map (fun (c : float array) -> number c.(i)) a.constants;
    bias = number a.bias.(i);
    magnitude = number a.magnitude.(i);
    gamma_count = number (float_of_int a.k.(i));
    underflow_count = number a.c0.(i);
    terms = list (a.start.(i + 1) - from) (fun n -> (element a.element.(from + n), number a.weight.(from + n))) }

let window start (sources : int array) i =
  let first = start.(i) in
  (element sources.(first), list (start.(i + 1) - first - 1) (fun n -> element sources.(first + 1 + n)))

let operator (o : Types.operator) : E.operator =
  match o with
  | Input _ -> invalid_arg "an input after the first operator"
  | Affine a -> Affine (number a.factor, number a.rho, list (Array.length a.bias) (row a))
  | Unary (Relu, _, sources) -> Relu (of_array element sources)
  | Unary (Leaky_relu, alpha, sources) -> LeakyRelu (number alpha, of_array element sources)
  | Unary (Sigmoid, _, sources) -> Sigmoid (of_array element sources)
  | Unary (Tanh, _, sources) -> Tanh (of_array element sources)
  | Maxpool (start, sources) -> MaxPool (list (Array.length start - 1) (window start sources))
  | Constant values -> Constant (of_array number values)

let program (p : Types.program) : E.program =
  { inputs = Z.of_int p.inputs;
    operators = List.map operator (List.tl (Array.to_list p.operators));
    outputs = of_array element p.outputs }

let constraint_ (f : Types.form) : E.fconstraint =
  let variable n = if f.is_input.(n) then E.X (Z.of_int f.index.(n)) else E.Y (Z.of_int f.index.(n)) in
  { fleft = list (Array.length f.index) (fun n -> (variable n, number f.coefficient.(n))); fright = number f.bound }

let disjunct (d : Types.disjunct) : E.fdisjunct =
  { fbox = list (Array.length d.lower) (fun j -> (number d.lower.(j), number d.upper.(j))); fconstraints = of_array constraint_ d.forms }

let accepts p property (semantics : Types.semantics) tree =
  E.check_certificate
    (match semantics with Real -> E.Real | Float32 -> E.Float32)
    (program p)
    (of_array disjunct property)
    (list (String.length tree) (fun n -> Uint63.of_int (Char.code tree.[n])))
