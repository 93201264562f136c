(* The VNN-LIB text (version 1) as a disjunction of conjunctions of linear atoms with exact coefficients, as
   spec/certificate.md section 3 expands it, and the numbers that the tree checker works with.

   Accepted: (declare-const X_i Real), (declare-const Y_i Real), (assert formula); comments from ';' to the end of the
   line. A formula is and, or, or an atom <= >= < > of two linear terms made of decimals, variables, +, - and *. *)

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

(* ---- reading: every list is reduced to its value when it is closed, so that nothing recurs on the text ---- *)

type value =
  | Word of string
  | Linear of linear
  | Formula of conjunction list
  | Command                                     (* a declaration or an assertion that has been carried out *)

type file = { declared : (variable, unit) Hashtbl.t; mutable so_far : conjunction list }

let declare file line name =
  match variable_of_string name with
  | None -> refuse line "'%s' is not X_i or Y_i" (shown name)
  | Some v ->
    if Hashtbl.mem file.declared v then refuse line "'%s' is declared twice" (shown name);
    if Hashtbl.length file.declared >= max_variables then refuse line "more than %d variables" max_variables;
    Hashtbl.add file.declared v ()

let linear file line = function
  | Linear l -> l
  | Word text ->
    (match variable_of_string text with
     | Some v when Hashtbl.mem file.declared v -> variable v
     | Some _ -> refuse line "'%s' is not declared" (shown text)
     | None ->
       match Numbers.decimal_of_string text with
       | Some q -> constant q
       | None -> refuse line "'%s' is neither a number nor a variable" (shown text))
  | Formula _ | Command -> refuse line "a formula stands where a term is needed"

let formula line = function
  | Formula f -> f
  | Word _ | Linear _ | Command -> refuse line "a formula is needed"

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

(* The value of a list with these items. *)
let reduce file line items =
  let terms rest = Grow.map_list (linear file line) rest in
  match items with
  | [ Word "declare-const"; Word name; Word "Real" ] -> declare file line name; Command
  | [ Word "assert"; body ] -> file.so_far <- product line file.so_far (formula line body); Command
  | Word "and" :: (_ :: _ as rest) ->
    Formula (List.fold_left (fun so_far f -> product line so_far (formula line f)) [ All ] rest)
  | Word "or" :: (_ :: _ as rest) -> Formula (union line (Grow.map_list (formula line) rest))
  | [ Word ("<=" | "<"); left; right ] -> Formula (inequality line (linear file line left) (linear file line right))
  | [ Word (">=" | ">"); left; right ] -> Formula (inequality line (linear file line right) (linear file line left))
  | Word "+" :: (_ :: _ as rest) -> Linear (List.fold_left add (constant Q.zero) (terms rest))
  | [ Word "-"; operand ] -> Linear (scale Q.minus_one (linear file line operand))
  | Word "-" :: first :: rest -> Linear (List.fold_left subtract (linear file line first) (terms rest))
  | Word "*" :: (_ :: _ as rest) -> Linear (List.fold_left (multiply line) (constant Q.one) (terms rest))
  | Word other :: _ -> refuse line "'%s' cannot stand here or has other operands" (shown other)
  | _ -> refuse line "a list that begins with no word"

let read_file text =
  let file = { declared = Hashtbl.create 64; so_far = [ All ] } in
  let n = String.length text in
  let line = ref 1 and p = ref 0 in
  let stack = ref [] and depth = ref 0 in      (* open lists: their items, last first, and the line of '(' *)
  let put value =
    match !stack, value with
    | (items, l) :: rest, _ -> stack := (value :: items, l) :: rest
    | [], Command -> ()
    | [], _ -> refuse !line "neither declare-const nor assert"
  in
  while !p < n do
    match text.[!p] with
    | '\n' -> incr line; incr p
    | ' ' | '\t' | '\r' -> incr p
    | ';' ->
      (* some readers end a line at other control characters too, and would read what follows as a formula *)
      while !p < n && text.[!p] <> '\n' do
        let c = text.[!p] in
        if c < ' ' && c <> '\t' && not (c = '\r' && !p + 1 < n && text.[!p + 1] = '\n') then
          refuse !line "control character %d in a comment" (Char.code c);
        incr p
      done
    | '(' ->
      incr depth;
      if !depth > max_depth then refuse !line "more than %d nested parentheses" max_depth;
      stack := ([], !line) :: !stack;
      incr p
    | ')' ->
      (match !stack with
       | [] -> refuse !line "')' without '('"
       | (items, l) :: rest ->
         stack := rest;
         decr depth;
         put (reduce file l (List.rev items)));
      incr p
    | _ ->
      let begun = !p in
      let inside c = match c with '(' | ')' | ';' | ' ' | '\t' | '\r' | '\n' -> false | _ -> true in
      while !p < n && inside text.[!p] do incr p done;
      put (Word (String.sub text begun (!p - begun)))
  done;
  (match !stack with
   | [] -> ()
   | (_, l) :: _ -> refuse l "'(' is never closed");
  file

type t = { inputs : int; outputs : int; conjunctions : conjunction list }

let read text =
  let { declared; so_far } = read_file text in
  let inputs = ref 0 and outputs = ref 0 in
  Hashtbl.iter (fun v () -> match v with X _ -> incr inputs | Y _ -> incr outputs) declared;
  (* n distinct indices without a gap are 0 .. n-1 *)
  Hashtbl.iter (fun v () ->
      match v with
      | X i -> if i >= !inputs then malformed "vnnlib: X_%d is declared, but only %d X" i !inputs
      | Y i -> if i >= !outputs then malformed "vnnlib: Y_%d is declared, but only %d Y" i !outputs) declared;
  { inputs = !inputs; outputs = !outputs; conjunctions = so_far }

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
