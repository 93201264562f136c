(* The VNN-LIB text, of version 1 or 2, as a disjunction of conjunctions of linear atoms with exact coefficients, as
   spec/certificate.md section 3 expands it, and the numbers that the tree checker works with.

   Accepted: (declare-const X_i Real), (declare-const Y_i Real), (assert formula); comments from ';' to the end of the
   line. A formula is and, or, or an atom <= >= < > of two linear terms made of decimals, variables, +, - and *.
   In version 2, (vnnlib-version <2.0>) and one (declare-network N tensors) replace the declarations, variables are
   entries of tensors such as X[0,1], and == and != are atoms too. *)

open Refusal

let max_depth = 100_000          (* of parentheses *)
let max_disjuncts = 1 lsl 20
let max_variables = 1 lsl 24
let max_box_ends = 1 lsl 26      (* over all disjuncts *)
let max_atoms = 1 lsl 25         (* over all disjuncts of the expansion *)

let refuse line format = Printf.ksprintf (fun text -> malformed "vnnlib: line %d: %s" line text) format

(* ---- variables and linear terms ---- *)

type variable = X of int | Y of int

(* X before Y, then by index *)
let order a b =
  match a, b with
  | X i, X j | Y i, Y j -> Int.compare i j
  | X _, Y _ -> -1
  | Y _, X _ -> 1

module Terms = Map.Make (struct type t = variable let compare = order end)

type linear = { terms : Q.t Terms.t; constant : Q.t }

let variable_of_string name =
  let n = String.length name in
  let digits = n > 2 && n <= 10 && name.[1] = '_' && (name.[2] <> '0' || n = 3) in
  let value = ref 0 in
  let all = ref digits in
  if digits then
    for p = 2 to n - 1 do
      if name.[p] >= '0' && name.[p] <= '9' then value := !value * 10 + Char.code name.[p] - 48 else all := false
    done;
  if not !all then None
  else match name.[0] with 'X' -> Some (X !value) | 'Y' -> Some (Y !value) | _ -> None

let constant q = { terms = Terms.empty; constant = q }
let scale q l =
  if Q.sign q = 0 then constant Q.zero
  else { terms = Terms.map (Q.mul q) l.terms; constant = Q.mul q l.constant }
let variable v = { terms = Terms.singleton v Q.one; constant = Q.zero }
let add a b =
  let together _ x y = let s = Q.add x y in if Q.sign s = 0 then None else Some s in
  { terms = Terms.union together a.terms b.terms; constant = Q.add a.constant b.constant }
let subtract a b = add a (scale Q.minus_one b)

(* ---- atoms ---- *)

(* One linear inequality, ready to be used in any number of disjuncts. *)
type atom =
  | Lower of int * Q.t                          (* X_j >= q *)
  | Upper of int * Q.t                          (* X_j <= q *)
  | Form of Types.form

let smallest_coefficient = ldexp 1.0 (-500) and largest_coefficient = ldexp 1.0 500

(* sum terms <= bound *)
let form line terms bound =
  let list = Terms.bindings terms in
  let coefficient (_, q) =
    let t = Numbers.to_binary64 Numbers.Nearest q in
    if not (Float.abs t >= smallest_coefficient && Float.abs t <= largest_coefficient) then
      refuse line "a coefficient lies outside 2^-500 .. 2^500";
    t
  in
  Form
    { Types.is_input = Array.of_list (Grow.map_list (function (X _, _) -> true | (Y _, _) -> false) list);
      index = Array.of_list (Grow.map_list (function ((X i | Y i), _) -> i) list);
      coefficient = Array.of_list (Grow.map_list coefficient list);
      bound = Numbers.to_binary64 Numbers.Up bound }

(* ---- the expansion ---- *)

(* A conjunction under construction: joining two is one step, whatever their length. *)
type conjunction = All | One of atom | Both of conjunction * conjunction

let both a b = match a, b with All, c | c, All -> c | _ -> Both (a, b)

let atoms_in_order conjunction =
  let out = ref [] and stack = ref [ conjunction ] in
  (* from the last to the first, so that consing leaves them in order *)
  let running = ref true in
  while !running do
    match !stack with
    | [] -> running := false
    | All :: rest -> stack := rest
    | One a :: rest -> out := a :: !out; stack := rest
    | Both (a, b) :: rest -> stack := b :: a :: rest
  done;
  !out

(* first operand most significant *)
let product line a b =
  if b = [ All ] then a
  else begin
    if List.length a * List.length b > max_disjuncts then refuse line "expands to more than %d conjunctions" max_disjuncts;
    List.concat_map (fun x -> Grow.map_list (fun y -> both x y) b) a
  end

(* left <= right *)
let inequality line left right =
  let difference = subtract left right in
  let bound = Q.neg difference.constant in
  match Terms.bindings difference.terms with
  | [] -> if Q.sign bound >= 0 then [ All ] else []
  | [ X j, q ] when Q.equal q Q.one -> [ One (Upper (j, bound)) ]
  | [ X j, q ] when Q.equal q Q.minus_one -> [ One (Lower (j, Q.neg bound)) ]
  | _ -> [ One (form line difference.terms bound) ]

(* ---- words ---- *)

type token = Opening | Closing | Bracket | Unbracket | Comma | Bare of string | Quoted of string | End

type scanner = { text : string; mutable at : int; mutable line : int; mutable version_2 : bool }

let skip_comment s =
  (* some readers end a line at other control characters too, and would read what follows as a formula *)
  let n = String.length s.text in
  while s.at < n && s.text.[s.at] <> '\n' do
    let c = s.text.[s.at] in
    if c < ' ' && c <> '\t' && not (c = '\r' && s.at + 1 < n && s.text.[s.at + 1] = '\n') then
      refuse s.line "control character %d in a comment" (Char.code c);
    s.at <- s.at + 1
  done

(* Behind the first quote. *)
let string_rest s =
  let n = String.length s.text and out = Buffer.create 32 and closed = ref false in
  while not !closed do
    if s.at >= n then refuse s.line "a string is never closed";
    let c = s.text.[s.at] in
    s.at <- s.at + 1;
    if c = '"' then closed := true
    else if c < ' ' || c = '\127' then refuse s.line "control character %d in a string" (Char.code c)
    else if c <> '\\' then Buffer.add_char out c
    else begin
      (match if s.at < n then s.text.[s.at] else ' ' with
       | '"' -> Buffer.add_char out '"'
       | '\\' -> Buffer.add_char out '\\'
       | 'n' -> Buffer.add_char out '\n'
       | 't' -> Buffer.add_char out '\t'
       | _ -> refuse s.line "a backslash stands in a string for nothing");
      s.at <- s.at + 1
    end
  done;
  Buffer.contents out

let rec token s =
  let n = String.length s.text in
  let single t = s.at <- s.at + 1; t in
  if s.at >= n then End
  else
    match s.text.[s.at] with
    | '\n' -> s.line <- s.line + 1; s.at <- s.at + 1; token s
    | ' ' | '\t' | '\r' -> s.at <- s.at + 1; token s
    | ';' -> skip_comment s; token s
    | '(' -> single Opening
    | ')' -> single Closing
    | '[' when s.version_2 -> single Bracket
    | ']' when s.version_2 -> single Unbracket
    | ',' when s.version_2 -> single Comma
    | '"' when s.version_2 -> s.at <- s.at + 1; Quoted (string_rest s)
    | _ ->
      let inside = function
        | '(' | ')' | ';' | ' ' | '\t' | '\r' | '\n' -> false
        | '[' | ']' | ',' | '"' -> not s.version_2
        | _ -> true
      in
      let begun = s.at in
      while s.at < n && inside s.text.[s.at] do s.at <- s.at + 1 done;
      Bare (String.sub s.text begun (s.at - begun))

let all_digits text = text <> "" && String.for_all (fun c -> c >= '0' && c <= '9') text

let max_number = (1 lsl 31) - 1 and max_dimensions = 16

let number s = function
  | Bare text when all_digits text ->
    let value = String.fold_left (fun v c -> min (v * 10 + Char.code c - 48) (max_number + 1)) 0 text in
    if value > max_number then refuse s.line "'%s' is above 2^31 - 1" (shown text);
    value
  | _ -> refuse s.line "brackets hold numbers, with commas between"

(* What follows '['. *)
let numbers s =
  match token s with
  | Unbracket -> []
  | first ->
    let found = ref [ number s first ] and closed = ref false in
    while not !closed do
      match token s with
      | Unbracket -> closed := true
      | Comma ->
        if List.length !found = max_dimensions then refuse s.line "more than %d numbers in brackets" max_dimensions;
        found := number s (token s) :: !found
      | _ -> refuse s.line "brackets hold numbers, with commas between"
    done;
    List.rev !found

(* ---- reading: every list is reduced to its value when it is closed, so that nothing recurs on the text ---- *)

(* A tensor of version 2. *)
type tensor = { name : string; is_output : bool; element_type : string; shape : int list; onnx_name : string option }

type value =
  | Word of string
  | Numbers of int list                         (* in brackets *)
  | Text of string                              (* a string *)
  | Linear of linear
  | Formula of conjunction list
  | Tensor of tensor
  | Command                                     (* a declaration or an assertion that has been carried out *)

type file = {
  program : Types.program;
  declared : (variable, unit) Hashtbl.t;
  mutable so_far : conjunction list;
  mutable begun : bool;                         (* a list has been closed *)
  mutable network : (string, int list * variable) Hashtbl.t option;  (* of each tensor: shape and first entry *)
}

let declare file line name =
  match variable_of_string name with
  | None -> refuse line "'%s' is not X_i or Y_i" (shown name)
  | Some v ->
    if Hashtbl.mem file.declared v then refuse line "'%s' is declared twice" (shown name);
    if Hashtbl.length file.declared >= max_variables then refuse line "more than %d variables" max_variables;
    Hashtbl.add file.declared v ()

(* ---- version 2 ---- *)

let is_letter c = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')

let is_name text =
  text <> "" && is_letter text.[0]
  && String.for_all (fun c -> is_letter c || (c >= '0' && c <= '9') || c = '_') text
  && not (List.mem text [ "and"; "or"; "initialized" ])

(* -?D or -?D.D *)
let is_plain_number text =
  let n = String.length text in
  let unsigned = if n > 0 && text.[0] = '-' then String.sub text 1 (n - 1) else text in
  match String.split_on_char '.' unsigned with
  | [ whole ] -> all_digits whole
  | [ whole; fraction ] -> all_digits whole && all_digits fraction
  | _ -> false

let tensor line head name element_type shape onnx_name =
  if not (is_name name) then refuse line "'%s' is no name of a tensor" (shown name);
  if not (List.mem element_type [ "float32"; "real"; "Real" ]) then
    refuse line "element type '%s', neither float32 nor real" (shown element_type);
  if List.mem 0 shape then refuse line "'%s' has a dimension of 0" (shown name);
  Tensor { name; is_output = head = "declare-output"; element_type; shape; onnx_name }

let shape_text shape = "[" ^ String.concat "," (List.map string_of_int shape) ^ "]"

let after variable count = match variable with X i -> X (i + count) | Y i -> Y (i + count)

(* Each of these tensors is one of the model's, with its shape, and none of those is left. *)
let place line network what first declared model =
  if List.length declared <> List.length model then
    refuse line "%d %ss are declared, the model has %d" (List.length declared) what (List.length model);
  if declared = [] then refuse line "no %s is declared" what;
  let in_order = Array.of_list declared and by_name = Hashtbl.create 16 in
  Array.iter (fun t ->
      Option.iter (fun name ->
          if Hashtbl.mem by_name name then refuse line "two tensors are the %s '%s'" what (shown name);
          Hashtbl.add by_name name t) t.onnx_name) in_order;
  let of_model name position =
    if in_order.(0).onnx_name = None then in_order.(position)
    else
      match Hashtbl.find_opt by_name name with
      | Some t -> t
      | None -> refuse line "no tensor is the %s '%s' of the model" what (shown name)
  in
  let next = ref first in
  List.iteri (fun position (name, shape) ->
      let t = of_model name position and shape = Array.to_list shape in
      if t.shape <> shape then
        refuse line "'%s' is declared %s, %s '%s' of the model is %s" (shown t.name) (shape_text t.shape) what (shown name)
          (shape_text shape);
      if Hashtbl.mem network t.name then refuse line "'%s' is declared twice" (shown t.name);
      Hashtbl.add network t.name (shape, !next);
      next := after !next (List.fold_left ( * ) 1 shape)) model

let declare_network file line name parts =
  if file.network <> None then refuse line "a second network";
  if not (is_name name) then refuse line "'%s' is no name of a network" (shown name);
  let tensors =
    Grow.map_list (function Tensor t -> t | _ -> refuse line "a network holds declarations of inputs and outputs") parts
  in
  (match tensors with
   | [] -> refuse line "a network without tensors"
   | first :: rest ->
     ignore (List.fold_left (fun before t ->
         if before.is_output && not t.is_output then refuse line "an input is declared after an output";
         if t.element_type <> first.element_type then refuse line "tensors of two element types";
         if (t.onnx_name = None) <> (first.onnx_name = None) then refuse line "an ONNX name for some tensors only";
         t) first rest));
  let network = Hashtbl.create 16 in
  let outputs, inputs = List.partition (fun t -> t.is_output) tensors in
  place line network "input" (X 0) inputs file.program.input_tensors;
  place line network "output" (Y 0) outputs file.program.output_tensors;
  file.network <- Some network

let tensor_named file name = Option.bind file.network (fun network -> Hashtbl.find_opt network name)

let entry line name (shape, first) indices =
  if List.length indices <> List.length shape || not (List.for_all2 ( > ) shape indices) then
    refuse line "%s%s is no entry of a tensor of shape %s" (shown name) (shape_text indices) (shape_text shape);
  Linear (variable (after first (List.fold_left2 (fun at dimension index -> at * dimension + index) 0 shape indices)))

(* A name and the brackets behind it are one operand. *)
let with_indices file line items =
  List.rev (List.fold_left (fun before item ->
      match item, before with
      | Numbers [], _ -> refuse line "brackets without indices"
      | Numbers indices, Word name :: others ->
        (match tensor_named file name with
         | Some tensor -> entry line name tensor indices :: others
         | None -> refuse line "'%s' is no tensor" (shown name))
      | Numbers _, _ -> refuse line "brackets behind no name"
      | _ -> item :: before) [] items)

(* ---- operands ---- *)

let linear file line = function
  | Linear l -> l
  | Word text when file.network <> None ->
    (match tensor_named file text with
     | Some ([], first) -> variable first
     | Some (shape, _) -> refuse line "'%s' of shape %s has no indices" (shown text) (shape_text shape)
     | None ->
       match if is_plain_number text then Numbers.decimal_of_string text else None with
       | Some q -> constant q
       | None -> refuse line "'%s' is neither a number nor a tensor" (shown text))
  | Word text ->
    (match variable_of_string text with
     | Some v when Hashtbl.mem file.declared v -> variable v
     | Some _ -> refuse line "'%s' is not declared" (shown text)
     | None ->
       match Numbers.decimal_of_string text with
       | Some q -> constant q
       | None -> refuse line "'%s' is neither a number nor a variable" (shown text))
  | Formula _ | Command -> refuse line "a formula stands where a term is needed"
  | Numbers _ | Text _ | Tensor _ -> refuse line "a term is needed"

let formula line = function
  | Formula f -> f
  | Word _ | Numbers _ | Text _ | Linear _ | Tensor _ | Command -> refuse line "a formula is needed"

(* Products are where exact numbers grow without bound. *)
let max_bits = 1 lsl 14

let check_size line l =
  let small q = Z.numbits (Q.num q) <= max_bits && Z.numbits (Q.den q) <= max_bits in
  if not (small l.constant && Terms.for_all (fun _ q -> small q) l.terms) then
    refuse line "a number needs more than %d bits" max_bits;
  l

let multiply line product l =
  if Terms.is_empty l.terms then check_size line (scale l.constant product)
  else if Terms.is_empty product.terms then check_size line (scale product.constant l)
  else refuse line "product of two variables"

let union line parts =
  if List.fold_left (fun n p -> n + List.length p) 0 parts > max_disjuncts then
    refuse line "expands to more than %d conjunctions" max_disjuncts;
  List.rev (List.fold_left (fun so_far part -> List.rev_append part so_far) [] parts)

(* Formulas and terms, the same in both versions but for == and !=. *)
let reduce_operation file line version_2 items =
  let terms rest = Grow.map_list (linear file line) rest in
  match items with
  | [ Word "assert"; body ] -> file.so_far <- product line file.so_far (formula line body); Command
  | Word "and" :: (_ :: _ as rest) ->
    Formula (List.fold_left (fun so_far f -> product line so_far (formula line f)) [ All ] rest)
  | Word "or" :: (_ :: _ as rest) -> Formula (union line (Grow.map_list (formula line) rest))
  | [ Word ("<=" | "<"); left; right ] -> Formula (inequality line (linear file line left) (linear file line right))
  | [ Word (">=" | ">"); left; right ] -> Formula (inequality line (linear file line right) (linear file line left))
  | [ Word ("==" | "!=" as relation); left; right ] when version_2 ->
    let left = linear file line left and right = linear file line right in
    let below = inequality line left right and above = inequality line right left in
    (* != is its closure, which holds everywhere *)
    Formula (if relation = "==" then product line below above else union line [ below; above ])
  | Word "+" :: (_ :: _ as rest) -> Linear (List.fold_left add (constant Q.zero) (terms rest))
  | [ Word "-"; operand ] -> Linear (scale Q.minus_one (linear file line operand))
  | Word "-" :: first :: rest -> Linear (List.fold_left subtract (linear file line first) (terms rest))
  | Word "*" :: (_ :: _ as rest) -> Linear (List.fold_left (multiply line) (constant Q.one) (terms rest))
  | Word other :: _ -> refuse line "'%s' cannot stand here or has other operands" (shown other)
  | _ -> refuse line "a list that begins with no word"

(* The value of a list with these items. *)
let reduce file scanner line ~outermost items =
  let first = not file.begun in
  file.begun <- true;
  match items with
  | [ Word "vnnlib-version"; Word ("<2.0>" | "<2.1>") ] when first && outermost ->
    scanner.version_2 <- true;
    Command
  | [ Word "declare-const"; Word name; Word "Real" ] when not scanner.version_2 -> declare file line name; Command
  | [ Word ("declare-input" | "declare-output" as head); Word name; Word element_type; Numbers shape ]
    when scanner.version_2 -> tensor line head name element_type shape None
  | [ Word ("declare-input" | "declare-output" as head); Word name; Word element_type; Numbers shape; Text onnx_name ]
    when scanner.version_2 -> tensor line head name element_type shape (Some onnx_name)
  | Word "declare-network" :: Word name :: parts when scanner.version_2 && outermost ->
    declare_network file line name parts;
    Command
  | _ when not scanner.version_2 -> reduce_operation file line false items
  | _ when file.network = None -> refuse line "declare-network is needed first"
  | _ -> reduce_operation file line true (with_indices file line items)

let read_file program text =
  let file = { program; declared = Hashtbl.create 64; so_far = [ All ]; begun = false; network = None } in
  let scanner = { text; at = 0; line = 1; version_2 = false } in
  let stack = ref [] and depth = ref 0 in      (* open lists: their items, last first, and the line of '(' *)
  let put value =
    match !stack, value with
    | (items, l) :: rest, _ -> stack := (value :: items, l) :: rest
    | [], Command -> ()
    | [], _ -> refuse scanner.line "neither a declaration nor an assertion"
  in
  let running = ref true in
  while !running do
    match token scanner with
    | End -> running := false
    | Opening ->
      incr depth;
      if !depth > max_depth then refuse scanner.line "more than %d nested parentheses" max_depth;
      stack := ([], scanner.line) :: !stack
    | Closing ->
      (match !stack with
       | [] -> refuse scanner.line "')' without '('"
       | (items, l) :: rest ->
         stack := rest;
         decr depth;
         put (reduce file scanner l ~outermost:(rest = []) (List.rev items)))
    | Bracket -> put (Numbers (numbers scanner))
    | Quoted text -> put (Text text)
    | Unbracket | Comma -> refuse scanner.line "a bracket or a comma cannot stand here"
    | Bare word -> put (Word word)
  done;
  (match !stack with
   | [] -> ()
   | (_, l) :: _ -> refuse l "'(' is never closed");
  if scanner.version_2 && file.network = None then malformed "vnnlib: no network is declared";
  file

type t = { inputs : int; outputs : int; conjunctions : conjunction list }

let read (program : Types.program) text =
  let { declared; so_far; network; _ } = read_file program text in
  if network <> None then
    { inputs = program.inputs; outputs = Array.length program.outputs; conjunctions = so_far }
  else begin
    let inputs = ref 0 and outputs = ref 0 in
    Hashtbl.iter (fun v () -> match v with X _ -> incr inputs | Y _ -> incr outputs) declared;
    (* n distinct indices without a gap are 0 .. n-1 *)
    Hashtbl.iter (fun v () ->
        match v with
        | X i -> if i >= !inputs then malformed "vnnlib: X_%d is declared, but only %d X" i !inputs
        | Y i -> if i >= !outputs then malformed "vnnlib: Y_%d is declared, but only %d Y" i !outputs) declared;
    { inputs = !inputs; outputs = !outputs; conjunctions = so_far }
  end

(* ---- numbers ---- *)

let box_end semantics direction what j q =
  let x =
    match semantics with
    | Types.Real -> Numbers.to_binary64 direction q
    | Types.Float32 -> Numbers.to_binary32 Numbers.Nearest q
  in
  if Float.abs x = infinity then malformed "vnnlib: the %s bound of X_%d rounds to an infinity" what j;
  x

(* The disjuncts in order. The property must speak of as many inputs and outputs as the model has. *)
let property semantics ~inputs ~outputs p : Types.property =
  if p.inputs <> inputs then malformed "vnnlib: declares %d inputs, the model has %d" p.inputs inputs;
  if p.outputs <> outputs then malformed "vnnlib: declares %d outputs, the model has %d" p.outputs outputs;
  let atoms = ref 0 in
  let disjunct number conjunction =
    let lower = Array.make inputs None and upper = Array.make inputs None and forms = ref [] in
    List.iter (fun atom ->
        incr atoms;
        if !atoms > max_atoms then malformed "vnnlib: expands to more than %d atoms" max_atoms;
        match atom with
        | Lower (j, q) -> (match lower.(j) with Some old when Q.geq old q -> () | _ -> lower.(j) <- Some q)
        | Upper (j, q) -> (match upper.(j) with Some old when Q.leq old q -> () | _ -> upper.(j) <- Some q)
        | Form f -> forms := f :: !forms) (atoms_in_order conjunction);
    let ends direction what found =
      Array.mapi (fun j q ->
          match q with
          | None -> malformed "vnnlib: X_%d has no %s bound in conjunction %d" j what number
          | Some q -> box_end semantics direction what j q) found
    in
    { Types.lower = ends Numbers.Down "lower" lower; upper = ends Numbers.Up "upper" upper;
      forms = Array.of_list (List.rev !forms) }
  in
  if List.length p.conjunctions > max_box_ends / (inputs + 1) then malformed "vnnlib: expands to too many boxes";
  Array.mapi disjunct (Array.of_list p.conjunctions)
