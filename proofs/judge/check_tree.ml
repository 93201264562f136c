(* A plain reading of spec/certificate.md sections 4 to 8: context, rows, sweeps, the tree. It stands in the place that
   the function extracted from Coq takes over, and stays useful as a third opinion in tests. Sparse: a sweep touches the
   rows whose coefficient is not zero; what depends on the context is kept until something it reads has changed. *)

open Types
open Arithmetic

(* What an operator needs besides its definition. The sums of section 5 are valid while [computed_at] is not older than
   the last change of every operator that it reads. *)
type extra = {
  reads : int array;                (* the operators that it reads, increasing *)
  own_m : float;                    (* m of sections 5 and 6 *)
  total : float;                    (* N of section 7 *)
  w1 : float array;                 (* affine only, one per row *)
  gam : float array;
  first_col : int array;            (* least and greatest element that a row reads *)
  last_col : int array;
  s : float array;
  err : float array;                (* E *)
  mutable xm : float;
  mutable computed_at : int;
}

type t = {
  program : program;
  property : property;
  semantics : semantics;
  extra : extra array;
  owner : int array;                (* operator of each element *)
  lo : float array;                 (* of every element *)
  hi : float array;
  x : float array;                  (* max (|lo|, |hi|) *)
  line : Lines.line array;          (* of unary and maxpool elements; one shared dummy elsewhere *)
  source : int array;               (* element that the line is over *)
  seen_lo : float array;            (* bounds of the source for which a unary line was computed *)
  seen_hi : float array;
  changed_at : int array;           (* per operator: clock of the last change of a bound *)
  mutable clock : int;
  relevant : bool array;            (* affine elements that a unary or maxpool operator reads *)
  piecewise : bool array;           (* every operator that reads the element is relu or leaky_relu *)
  a : float array;                  (* coefficients of the sweep under way, all zero between sweeps *)
  temp : float array;
  explicit : float array;           (* slopes of the current instruction *)
  (* undo log of the bounds of input and affine elements *)
  trail_element : Grow.ints;
  trail_lo : Grow.floats;
  trail_hi : Grow.floats;
}

let failed = nan                    (* the value of a sweep that fails; no other result is NaN *)
let max_path = 100_000

(* ---- construction ---- *)

let operators_read owner elements =
  let seen = Hashtbl.create 8 in
  let last = ref (-1) in
  Array.iter (fun e ->
      let p = owner.(e) in
      if p <> !last then begin
        last := p;
        if not (Hashtbl.mem seen p) then Hashtbl.add seen p ()
      end) elements;
  Array.of_list (List.sort compare (Hashtbl.fold (fun p () list -> p :: list) seen []))

let row_terms a i = a.start.(i + 1) - a.start.(i)

let extra_of owner column_terms operator =
  match operator with
  | Affine a ->
    let rows = Array.length a.bias in
    let most = ref rows in
    Array.iter (fun e ->
        column_terms.(e) <- column_terms.(e) + 1;
        most := max !most column_terms.(e)) a.element;
    Array.iter (fun e -> column_terms.(e) <- 0) a.element;
    let w1 = Array.make rows 0.0 and gam = Array.make rows 0.0 in
    let first_col = Array.make rows max_int and last_col = Array.make rows (-1) in
    for i = 0 to rows - 1 do
      let sum = ref 0.0 in
      for n = a.start.(i) to a.start.(i + 1) - 1 do
        sum := !sum +. Float.abs a.weight.(n);
        if a.element.(n) < first_col.(i) then first_col.(i) <- a.element.(n);
        if a.element.(n) > last_col.(i) then last_col.(i) <- a.element.(n)
      done;
      w1.(i) <- !sum *. (1.0 +. float_of_int (row_terms a i + 4) *. ulp);
      let k = float_of_int a.k.(i) in
      gam.(i) <- ((k *. u) /. (1.0 -. k *. u)) *. (1.0 +. 0x1p-50)
    done;
    { reads = operators_read owner a.element; own_m = float_of_int !most; total = float_of_int (Array.length a.weight);
      w1; gam; first_col; last_col; s = Array.make rows 0.0; err = Array.make rows 0.0; xm = 0.0; computed_at = -1 }
  | Input _ | Unary _ | Maxpool _ | Constant _ | Softmax _ ->
    let reads =
      match operator with
      | Unary (_, _, sources) | Maxpool (_, sources) | Softmax (_, sources) -> operators_read owner sources
      | _ -> [||]
    in
    let m = float_of_int (operator_size operator) in
    { reads; own_m = m; total = m; w1 = [||]; gam = [||]; first_col = [||]; last_col = [||]; s = [||]; err = [||]; xm = 0.0; computed_at = -1 }

let larger_end lo hi = fmax (Float.abs lo) (Float.abs hi)

let create program property semantics =
  let n = program.elements in
  let owner = Array.make n 0 in
  Array.iteri (fun p operator -> Array.fill owner program.first.(p) (operator_size operator) p) program.operators;
  let column_terms = Array.make n 0 in
  let extra = Array.map (extra_of owner column_terms) program.operators in
  let relevant = Array.make n false and piecewise = Array.make n true in
  Array.iter (fun operator ->
      match operator with
      | Unary (kind, _, sources) ->
        Array.iter (fun e ->
            relevant.(e) <- true;
            if kind <> Relu && kind <> Leaky_relu then piecewise.(e) <- false) sources
      | Maxpool (_, sources) -> Array.iter (fun e -> relevant.(e) <- true; piecewise.(e) <- false) sources
      | Affine { element = sources; _ } | Softmax (_, sources) -> Array.iter (fun e -> piecewise.(e) <- false) sources
      | Input _ | Constant _ -> ()) program.operators;
  let dummy = Lines.fresh () in
  let has_line p = match program.operators.(p) with Unary _ | Maxpool _ -> true | _ -> false in
  let t = {
    program; property; semantics; extra; owner;
    lo = Array.make n neg_infinity; hi = Array.make n infinity; x = Array.make n infinity;
    line = Array.init n (fun e -> if has_line owner.(e) then Lines.fresh () else dummy);
    source = Array.make n (-1); seen_lo = Array.make n nan; seen_hi = Array.make n nan;
    changed_at = Array.make (Array.length program.operators) 0; clock = 0;
    relevant; piecewise; a = Array.make n 0.0; temp = Array.make n 0.0; explicit = Array.make n 0.0;
    trail_element = Grow.ints (); trail_lo = Grow.floats (); trail_hi = Grow.floats () }
  in
  for j = 0 to program.inputs - 1 do
    let lo = ref infinity and hi = ref neg_infinity in
    Array.iter (fun d -> lo := fmin !lo d.lower.(j); hi := fmax !hi d.upper.(j)) property;
    t.lo.(j) <- !lo;
    t.hi.(j) <- !hi;
    t.x.(j) <- larger_end !lo !hi
  done;
  Array.iteri (fun p operator ->
      match operator with
      | Constant values ->
        Array.iteri (fun i v ->
            let e = program.first.(p) + i in
            t.lo.(e) <- v; t.hi.(e) <- v; t.x.(e) <- Float.abs v) values
      | Softmax (start, _) ->
        for g = 0 to Array.length start - 2 do
          let lo, hi = Lines.softmax_bounds semantics (start.(g + 1) - start.(g)) in
          for e = program.first.(p) + start.(g) to program.first.(p) + start.(g + 1) - 1 do
            t.lo.(e) <- lo; t.hi.(e) <- hi; t.x.(e) <- larger_end lo hi
          done
        done
      | _ -> ()) program.operators;
  t

(* ---- context ---- *)

(* New bounds of an input or affine element; the old ones go to the log. *)
let set_bounds t e lo hi =
  if lo <> t.lo.(e) || hi <> t.hi.(e) then begin
    Grow.push_int t.trail_element e;
    Grow.push_float t.trail_lo t.lo.(e);
    Grow.push_float t.trail_hi t.hi.(e);
    t.lo.(e) <- lo;
    t.hi.(e) <- hi;
    t.x.(e) <- larger_end lo hi;
    t.clock <- t.clock + 1;
    t.changed_at.(t.owner.(e)) <- t.clock
  end

let restore t mark =
  for n = t.trail_element.ni - 1 downto mark do
    let e = t.trail_element.i.(n) in
    t.lo.(e) <- t.trail_lo.f.(n);
    t.hi.(e) <- t.trail_hi.f.(n);
    t.x.(e) <- larger_end t.lo.(e) t.hi.(e);
    t.clock <- t.clock + 1;
    t.changed_at.(t.owner.(e)) <- t.clock
  done;
  t.trail_element.ni <- mark;
  t.trail_lo.nf <- mark;
  t.trail_hi.nf <- mark

let stale t p =
  let x = t.extra.(p) in
  x.computed_at < 0 || Array.exists (fun q -> t.changed_at.(q) > x.computed_at) x.reads

let set_derived t p e (r : Lines.line) =
  if r.lo <> t.lo.(e) || r.hi <> t.hi.(e) then begin
    t.lo.(e) <- r.lo;
    t.hi.(e) <- r.hi;
    t.x.(e) <- larger_end r.lo r.hi;
    t.clock <- t.clock + 1;
    t.changed_at.(p) <- t.clock
  end

let greatest_x t reads =
  let most = ref 0.0 in
  Array.iter (fun q ->
      let first = t.program.first.(q) in
      for e = first to first + operator_size t.program.operators.(q) - 1 do most := fmax !most t.x.(e) done) reads;
  !most

(* The sums of section 5 for every row. *)
let refresh_affine t (a : affine) x =
  for i = 0 to Array.length a.bias - 1 do
    let sum = ref a.magnitude.(i) in
    for n = a.start.(i) to a.start.(i + 1) - 1 do
      sum := !sum +. Float.abs a.weight.(n) *. t.x.(a.element.(n))
    done;
    let nt = float_of_int (row_terms a i) in
    let s = !sum *. (1.0 +. (nt +. 4.0) *. ulp) in
    x.s.(i) <- s;
    x.err.(i) <-
      (match t.semantics with
       | Real -> a.rho *. s
       | Float32 -> (x.gam.(i) +. a.rho) *. s +. ((2.0 *. eta) *. a.factor) *. ((a.c0.(i) +. x.w1.(i)) +. nt *. x.xm))
  done

(* Brings the lines, bounds and row sums of operator p up to date; those before it must be. *)
let refresh t p =
  if stale t p then begin
    let x = t.extra.(p) in
    x.xm <- greatest_x t x.reads;
    let first = t.program.first.(p) in
    (match t.program.operators.(p) with
     | Input _ | Constant _ | Softmax _ -> ()
     | Affine a -> refresh_affine t a x
     | Unary (kind, alpha, sources) ->
       Array.iteri (fun i src ->
           let e = first + i in
           let l = t.lo.(src) and h = t.hi.(src) in
           if not (l = t.seen_lo.(e) && h = t.seen_hi.(e)) then begin
             t.seen_lo.(e) <- l;
             t.seen_hi.(e) <- h;
             t.source.(e) <- src;
             Lines.unary t.semantics kind alpha l h t.line.(e);
             set_derived t p e t.line.(e)
           end) sources
     | Maxpool (start, sources) ->
       for i = 0 to Array.length start - 2 do
         let e = first + i in
         t.source.(e) <- sources.(Lines.maxpool t.semantics t.lo t.hi sources start.(i) start.(i + 1) t.line.(e));
         set_derived t p e t.line.(e)
       done);
    x.computed_at <- t.clock
  end

let refresh_all t = for p = 0 to Array.length t.program.operators - 1 do refresh t p done

(* ---- backward sweep ---- *)

type rule = Adaptive | Zero | One | Explicit

let slope t rule alpha e l h =
  match rule with
  | Adaptive -> if h > -.l then 1.0 else alpha
  | Zero -> alpha
  | One -> 1.0
  | Explicit -> fmax alpha t.explicit.(e)

(* Steps 3 and 4 of section 7 at operator p for the elements [from .. upto]; returns the new c. *)
let through_operator t rule p from upto c =
  let operator = t.program.operators.(p) in
  let x = t.extra.(p) in
  let first = t.program.first.(p) in
  let m = x.own_m in
  let t1 = ref 0.0 and t2 = ref 0.0 and t3 = ref 0.0 in
  let least = ref max_int and most = ref (-1) in
  (match operator with
   | Affine a ->
     let element = a.element and weight = a.weight and temp = t.temp in
     for e = from to upto do
       let ai = t.a.(e) in
       if ai <> 0.0 then begin
         let i = e - first in
         let b = a.bias.(i) in
         let q = (x.err.(i) +. ((m +. 4.0) *. ulp) *. x.s.(i)) +. tau in
         t1 := !t1 +. ai *. b;
         t2 := !t2 +. Float.abs ai *. q;
         t3 := !t3 +. Float.abs ai *. Float.abs b;
         if x.first_col.(i) < !least then least := x.first_col.(i);
         if x.last_col.(i) > !most then most := x.last_col.(i);
         for n = a.start.(i) to a.start.(i + 1) - 1 do
           let col = element.(n) in
           temp.(col) <- temp.(col) +. ai *. weight.(n)
         done;
         t.a.(e) <- 0.0
       end
     done
   | Constant values ->
     for e = from to upto do
       let ai = t.a.(e) in
       if ai <> 0.0 then begin
         let v = values.(e - first) in
         let s = fmax (Float.abs v) (Float.abs v) in
         let q = (0.0 +. ((m +. 4.0) *. ulp) *. s) +. tau in
         t1 := !t1 +. ai *. v;
         t2 := !t2 +. Float.abs ai *. q;
         t3 := !t3 +. Float.abs ai *. Float.abs v;
         t.a.(e) <- 0.0
       end
     done
   | Softmax (start, _) ->
     for g = 0 to Array.length start - 2 do
       let e = Lines.softmax_error t.semantics (start.(g + 1) - start.(g)) in
       let q = (e +. ((m +. 4.0) *. ulp) *. 1.0) +. tau in
       let ag = ref t.a.(first + start.(g)) in
       for n = start.(g) + 1 to start.(g + 1) - 1 do ag := fmin !ag t.a.(first + n) done;
       if !ag <> 0.0 then begin
         t1 := !t1 +. !ag *. 1.0;
         t2 := !t2 +. Float.abs !ag *. q;
         t3 := !t3 +. Float.abs !ag *. 1.0
       end
     done;
     Array.fill t.a from (upto - from + 1) 0.0
   | Unary _ | Maxpool _ ->
     let bends, alpha =
       match operator with
       | Unary (Relu, _, _) -> true, 0.0
       | Unary (Leaky_relu, alpha, _) -> true, alpha
       | _ -> false, 0.0
     in
     for e = from to upto do
       let ai = t.a.(e) in
       if ai <> 0.0 then begin
         let r = t.line.(e) and src = t.source.(e) in
         let l = t.lo.(src) and h = t.hi.(src) in
         let s_lo = if bends && not (h <= 0.0) && not (l >= 0.0) then slope t rule alpha e l h else r.s_lo in
         let s = fmax (Float.abs r.k_lo) (Float.abs r.k_hi) +. fmax (Float.abs s_lo) (Float.abs r.s_hi) *. t.x.(src) in
         let q = (r.e +. ((m +. 4.0) *. ulp) *. s) +. tau in
         let k = if ai > 0.0 then r.k_lo else r.k_hi in
         let w = if ai > 0.0 then s_lo else r.s_hi in
         t1 := !t1 +. ai *. k;
         t2 := !t2 +. Float.abs ai *. q;
         t3 := !t3 +. Float.abs ai *. Float.abs k;
         if w <> 0.0 then begin
           if src < !least then least := src;
           if src > !most then most := src;
           t.temp.(src) <- t.temp.(src) +. ai *. w
         end;
         t.a.(e) <- 0.0
       end
     done
   | Input _ -> assert false);
  let c =
    ((c +. !t1) -. !t2)
    -. (((2.0 *. m +. 16.0) *. ulp) *. ((Float.abs c +. !t3) +. !t2) +. tau *. (1.0 +. x.total *. x.xm))
  in
  let t4 = ref 0.0 and charged = ref false in
  for col = !least to !most do
    let add = t.temp.(col) in
    if add <> 0.0 then begin
      let old = t.a.(col) in
      let v = old +. add in
      if old <> 0.0 then begin
        t4 := !t4 +. Float.abs v *. t.x.(col);
        charged := true
      end;
      t.a.(col) <- v
    end;
    t.temp.(col) <- 0.0
  done;
  if !charged then charge c ((2.0 *. ulp) *. !t4) else c

let cap_a = 0x1p500 and cap_c = 0x1p1000

type multipliers = { at : int array; beta : float array }     (* by increasing element *)

let no_multipliers = { at = [||]; beta = [||] }

exception Sweep_failed

(* Sweeps from the operators below [below] down to the inputs; the coefficients are in t.a. Returns LB or [failed]. The
   coefficients of the inputs are left for the caller, which must clear them. *)
let sweep t rule multipliers below start =
  let c = ref start in
  let next = ref (Array.length multipliers.at) in     (* multipliers from here on have been applied *)
  try
    for p = below - 1 downto 1 do
      let first = t.program.first.(p) in
      let last = first + operator_size t.program.operators.(p) - 1 in
      let from = ref !next in
      while !from > 0 && multipliers.at.(!from - 1) >= first do decr from done;
      for n = !from to !next - 1 do
        let e = multipliers.at.(n) and beta = multipliers.beta.(n) in
        let v = beta *. (if beta > 0.0 then t.lo.(e) else t.hi.(e)) in
        t.a.(e) <- t.a.(e) -. beta;
        c := !c +. v;
        c := charge !c ((2.0 *. ulp) *. (Float.abs v +. (Float.abs t.a.(e) +. Float.abs beta) *. t.x.(e)) +. tau)
      done;
      next := !from;
      let some = ref false in
      for e = first to last do
        let ai = t.a.(e) in
        if ai <> 0.0 then begin
          some := true;
          if not (Float.abs ai <= cap_a) then raise Sweep_failed
        end
      done;
      if !some then begin
        if not (Float.abs !c <= cap_c) then raise Sweep_failed;
        c := through_operator t rule p first last !c
      end
    done;
    let n = t.program.inputs in
    let t1 = ref 0.0 and t3 = ref 0.0 in
    for j = 0 to n - 1 do
      let aj = t.a.(j) in
      if not (Float.abs aj <= cap_a) then raise Sweep_failed;
      t1 := !t1 +. (if aj > 0.0 then aj *. t.lo.(j) else aj *. t.hi.(j));
      t3 := !t3 +. Float.abs aj *. t.x.(j)
    done;
    if not (Float.abs !c <= cap_c) then raise Sweep_failed;
    let c = !c in
    let lb = (c +. !t1) -. (((2.0 *. float_of_int n +. 16.0) *. ulp) *. (Float.abs c +. !t3) +. tau) in
    if finite lb then lb else raise Sweep_failed
  with Sweep_failed ->
    Array.fill t.a 0 (Array.length t.a) 0.0;
    failed

let clear_inputs t = Array.fill t.a 0 t.program.inputs 0.0

(* ---- tracing ---- *)

(* Called after every PROPAGATE and CLIP with a fingerprint of all bounds of input and affine elements, and after every
   sweep of a constraint form with the bits of its result (0 if it failed): two checkers that follow the same rules agree
   on every line. Tests set it; nothing depends on it. *)
let trace : (string -> int64 -> unit) option ref = ref None

let trace_bounds t what =
  match !trace with
  | None -> ()
  | Some call ->
    let h = ref (-3750763034362895579L) in      (* FNV-1a over 64-bit words; -0 counts as 0 *)
    let mix x = h := Int64.mul (Int64.logxor !h (Int64.bits_of_float (if x = 0.0 then 0.0 else x))) 1099511628211L in
    Array.iteri (fun p operator ->
        match operator with
        | Input _ | Affine _ ->
          let first = t.program.first.(p) in
          for e = first to first + operator_size operator - 1 do mix t.lo.(e); mix t.hi.(e) done
        | _ -> ()) t.program.operators;
    call what !h

let trace_form lb =
  match !trace with
  | None -> ()
  | Some call -> call "form" (if lb = lb then Int64.bits_of_float lb else 0L)

(* ---- instructions ---- *)

type reader = { text : string; mutable pos : int }

let reject r format =
  Printf.ksprintf (fun text -> Refusal.rejected "tree byte %d: %s" r.pos text) format

let byte r =
  if r.pos >= String.length r.text then reject r "the tree ends inside an instruction";
  r.pos <- r.pos + 1;
  Char.code r.text.[r.pos - 1]

let varint r =
  let at = ref r.pos in
  let v = Certificate.varint (Printf.sprintf "tree byte %d" r.pos) r.text at in
  r.pos <- !at;
  v

let f64 r =
  if r.pos + 8 > String.length r.text then reject r "the tree ends inside a number";
  let v = Int64.float_of_bits (String.get_int64_le r.text r.pos) in
  r.pos <- r.pos + 8;
  if not (finite v) then reject r "a number is not finite";
  v

let f32 r =
  if r.pos + 4 > String.length r.text then reject r "the tree ends inside a number";
  let v = Int32.float_of_bits (String.get_int32_le r.text r.pos) in
  r.pos <- r.pos + 4;
  if not (finite v) then reject r "a number is not finite";
  v

let is_affine t p = match t.program.operators.(p) with Affine _ -> true | _ -> false

let rule_of r = function 0 -> Adaptive | 1 -> Zero | 2 -> One | v -> reject r "slope rule %d" v

let interval_step t p (a : affine) =
  let x = t.extra.(p) in
  let first = t.program.first.(p) in
  for i = 0 to Array.length a.bias - 1 do
    let low = ref a.bias.(i) and high = ref a.bias.(i) in
    for n = a.start.(i) to a.start.(i + 1) - 1 do
      let w = a.weight.(n) and e = a.element.(n) in
      if w > 0.0 then begin
        low := !low +. w *. t.lo.(e);
        high := !high +. w *. t.hi.(e)
      end
      else begin
        low := !low +. w *. t.hi.(e);
        high := !high +. w *. t.lo.(e)
      end
    done;
    let slack = x.err.(i) +. (float_of_int (row_terms a i + 4) *. ulp) *. x.s.(i) in
    let e = first + i in
    set_bounds t e (fmax t.lo.(e) (lower !low slack)) (fmin t.hi.(e) (upper !high slack))
  done

let check_premise t r p (a : affine) =
  let x = t.extra.(p) in
  for i = 0 to Array.length a.bias - 1 do
    let v = ((1.0 +. x.gam.(i)) *. a.factor) *. x.s.(i) +. 1.0 in
    if not (v < 0x1p127) then
      reject r "overflow is not excluded for element %d: S = %.17g" (t.program.first.(p) + i) x.s.(i)
  done

let sweep_rows t rule p (a : affine) =
  let first = t.program.first.(p) in
  let found = ref [] in
  for i = Array.length a.bias - 1 downto 0 do
    let e = first + i in
    let l = t.lo.(e) and h = t.hi.(e) in
    if t.relevant.(e) && l < h && (not t.piecewise.(e) || (l < 0.0 && 0.0 < h)) then found := e :: !found
  done;
  let bound e sign =
    t.a.(e) <- sign;
    let c = through_operator t rule p e e 0.0 in
    let lb = sweep t rule no_multipliers p c in
    clear_inputs t;
    lb
  in
  (* in any order: no sweep changes the context *)
  let results = List.rev_map (fun e -> let low = bound e 1.0 in e, low, bound e (-1.0)) !found in
  List.iter (fun (e, low, high) ->
      let lo = if low = low then fmax t.lo.(e) low else t.lo.(e) in
      let hi = if high = high then fmin t.hi.(e) (-.high) else t.hi.(e) in
      set_bounds t e lo hi) results

let propagate t r is_first =
  let mode = byte r in
  if mode > 2 then reject r "PROPAGATE: mode %d" mode;
  let rule = rule_of r (byte r) in
  let operators = t.program.operators in
  let swept = Array.make (Array.length operators) (mode = 1) in
  if mode = 2 then begin
    let count = varint r in
    let last = ref (-1) in
    let left = ref count in
    while !left > 0 do
      let p = varint r in
      if p <= !last then reject r "PROPAGATE: operators are not increasing";
      if p >= Array.length operators || not (is_affine t p) then reject r "PROPAGATE: operator %d is not affine" p;
      swept.(p) <- true;
      last := p;
      decr left
    done
  end;
  Array.iteri (fun p operator ->
      refresh t p;
      match operator with
      | Affine a ->
        if is_first then check_premise t r p a;
        interval_step t p a;
        if swept.(p) then sweep_rows t rule p a
      | _ -> ()) operators

type selector = (int * float) list option * int      (* Some list, or the index of one constraint *)

let selector r (d : disjunct) : selector =
  let count = Array.length d.forms in
  let c = varint r in
  if c < count then None, c
  else if c > count then reject r "constraint %d of %d" c count
  else begin
    let n = varint r in
    if n < 1 then reject r "selector without constraints";
    let items = ref [] in
    let left = ref n in
    while !left > 0 do
      let index = varint r in
      if index >= count then reject r "constraint %d of %d" index count;
      let mu = f64 r in
      if not (mu >= 0x1p-400 && mu <= 0x1p400) then reject r "multiplier %h of a constraint" mu;
      items := (index, mu) :: !items;
      decr left
    done;
    Some (List.rev !items), 0
  end

let bends = function Unary ((Relu | Leaky_relu), _, _) -> true | _ -> false

(* For a sweep of the operators below [below]. *)
let slope_spec t r below =
  let b = byte r in
  if b land 0x7c <> 0 then reject r "slope byte %d" b;
  let rule = match b land 3 with 3 -> Explicit | v -> rule_of r v in
  if rule = Explicit then
    Array.iteri (fun p operator ->
        if p < below && bends operator then
          match operator with
          | Unary (_, _, sources) ->
            Array.iteri (fun i src ->
                if t.lo.(src) < 0.0 && 0.0 < t.hi.(src) then begin
                  let j = byte r in
                  if j > 128 then reject r "slope %d/128" j;
                  t.explicit.(t.program.first.(p) + i) <- float_of_int j /. 128.0
                end) sources
          | _ -> ()) t.program.operators;
  if b land 0x80 = 0 then rule, no_multipliers
  else begin
    let count = varint r in
    if count < 1 then reject r "no multipliers";
    let at = Grow.ints () and beta = Grow.floats () in
    let elements = if below = Array.length t.program.operators then t.program.elements else t.program.first.(below) in
    let element = ref 0 in
    let left = ref count in
    while !left > 0 do
      let step = varint r in
      if at.ni > 0 && step < 1 then reject r "multipliers are not increasing";
      if step >= elements - !element then reject r "multiplier beyond the last element";
      element := !element + step;
      if not (is_affine t t.owner.(!element)) then reject r "multiplier of element %d, which is not affine" !element;
      let b = f32 r in
      if b = 0.0 then reject r "multiplier 0";
      Grow.push_int at !element;
      Grow.push_float beta b;
      decr left
    done;
    rule, { at = Grow.int_array at; beta = Grow.float_array beta }
  end

(* All sweeps use the bounds from before; [2 * row + side] of the bounds increases. *)
let tighten t r =
  let p = varint r in
  let operators = t.program.operators in
  if p >= Array.length operators || not (is_affine t p) then reject r "TIGHTEN: operator %d is not affine" p;
  let count = varint r in
  if count < 1 then reject r "TIGHTEN without a bound";
  for q = 0 to p do refresh t q done;
  let first = t.program.first.(p) in
  let targets = 2 * operator_size operators.(p) in
  let found = ref [] and target = ref 0 and left = ref count in
  while !left > 0 do
    let step = varint r in
    if !left < count && step < 1 then reject r "bounds are not increasing";
    if step >= targets - !target then reject r "bound beyond the last row";
    target := !target + step;
    let e = first + !target / 2 and upper = !target land 1 = 1 in
    let rule, multipliers = slope_spec t r (p + 1) in
    t.a.(e) <- (if upper then -1.0 else 1.0);
    let lb = sweep t rule multipliers (p + 1) 0.0 in
    clear_inputs t;
    if lb = lb then found := (e, upper, lb) :: !found;
    decr left
  done;
  List.iter (fun (e, upper, lb) ->
      if upper then set_bounds t e t.lo.(e) (fmin t.hi.(e) (-.lb)) else set_bounds t e (fmax t.lo.(e) lb) t.hi.(e)) !found

(* The start of the sweep of a constraint form: fills t.a, returns c. *)
let constraint_form t (d : disjunct) (sel : selector) =
  let element (f : form) k = if f.is_input.(k) then f.index.(k) else t.program.outputs.(f.index.(k)) in
  let four_ulp = 4.0 *. ulp in
  let form_charge (f : form) =
    let first = ref 0.0 and second = ref 0.0 in
    Array.iteri (fun k coefficient ->
        let x = t.x.(element f k) and size = Float.abs coefficient in
        first := !first +. size *. x;
        if t.semantics = Float32 && f.is_input.(k) then second := !second +. size *. (u *. x +. 0x1p-149)) f.coefficient;
    let terms = float_of_int (Array.length f.coefficient) in
    (!first *. (fmax 4.0 terms *. ulp) +. Float.abs f.bound *. four_ulp) +. !second
  in
  match sel with
  | None, index ->
    let f = d.forms.(index) in
    Array.iteri (fun k coefficient -> let e = element f k in t.a.(e) <- t.a.(e) +. coefficient) f.coefficient;
    charge (-.f.bound) (form_charge f)
  | Some items, _ ->
    let c = ref 0.0 and g = ref 0.0 and sizes = ref 0.0 and bounds = ref 0.0 and count = ref 0 in
    List.iter (fun (index, mu) ->
        let f = d.forms.(index) in
        c := !c +. mu *. (-.f.bound);
        Array.iteri (fun k coefficient ->
            let e = element f k in
            let v = mu *. coefficient in
            t.a.(e) <- t.a.(e) +. v;
            sizes := !sizes +. Float.abs v *. t.x.(e);
            incr count) f.coefficient;
        g := !g +. mu *. form_charge f;
        bounds := !bounds +. Float.abs (mu *. f.bound)) items;
    charge !c (!g +. float_of_int (!count + 4) *. four_ulp *. (!sizes +. !bounds))

let sweep_form t d sel rule multipliers =
  let c = constraint_form t d sel in
  let lb = sweep t rule multipliers (Array.length t.program.operators) c in
  trace_form lb;
  lb

let active_disjunct t r active =
  if active >= 0 then t.property.(active)
  else if Array.length t.property = 1 then t.property.(0)
  else reject r "%d disjuncts are active, not one" (Array.length t.property)

let clip t r active =
  let d = active_disjunct t r active in
  refresh_all t;
  let sel = selector r d in
  let rule, multipliers = slope_spec t r (Array.length t.program.operators) in
  let lb = sweep_form t d sel rule multipliers in
  if lb = lb then begin
    let n = t.program.inputs in
    let coefficients = Array.sub t.a 0 n in
    clear_inputs t;
    for j = 0 to n - 1 do
      let aj = coefficients.(j) in
      if aj <> 0.0 then begin
        let mj = aj *. (if aj > 0.0 then t.lo.(j) else t.hi.(j)) in
        let x = (mj -. lb) /. aj in
        let slack = ((Float.abs mj +. Float.abs lb) /. Float.abs aj) *. 0x1p-50 in
        if finite x then
          if aj > 0.0 then set_bounds t j t.lo.(j) (fmin t.hi.(j) (upper x slack))
          else set_bounds t j (fmax t.lo.(j) (lower x slack)) t.hi.(j)
      end
    done
  end

let refute t r active =
  let d = active_disjunct t r active in
  refresh_all t;
  let sel = selector r d in
  let rule, multipliers = slope_spec t r (Array.length t.program.operators) in
  let lb = sweep_form t d sel rule multipliers in
  clear_inputs t;
  if lb <> lb then reject r "REFUTE: the sweep does not work out";
  if not (lb > 0.0) then reject r "REFUTE: the bound is %.17g, not above 0" lb

let is_empty t =
  let empty = ref false in
  Array.iteri (fun p operator ->
      match operator with
      | Input _ | Affine _ ->
        let first = t.program.first.(p) in
        for e = first to first + operator_size operator - 1 do if t.lo.(e) > t.hi.(e) then empty := true done
      | _ -> ()) t.program.operators;
  !empty

(* ---- the tree ---- *)

(* What a child restricts before its own instructions. *)
type child =
  | Disjunct of int
  | At_most of int * float
  | At_least of int * float

(* A node whose children are being visited. *)
type frame = { mark : int; active : int; mutable children : child list }

let split t r what allowed =
  let e = varint r in
  if not (allowed e) then reject r "%s: element %d" what e;
  let v =
    match byte r with
    | 0 -> if what = "SPLIT INPUT" then t.lo.(e) +. (t.hi.(e) -. t.lo.(e)) *. 0.5 else 0.0
    | 1 -> f64 r
    | b -> reject r "%s: byte %d" what b
  in
  [ At_most (e, v); At_least (e, v) ]

let enter t active = function
  | Disjunct d ->
    let box = t.property.(d) in
    for j = 0 to t.program.inputs - 1 do
      set_bounds t j (fmax t.lo.(j) box.lower.(j)) (fmin t.hi.(j) box.upper.(j))
    done;
    d
  | At_most (e, v) -> set_bounds t e t.lo.(e) (fmin t.hi.(e) v); active
  | At_least (e, v) -> set_bounds t e (fmax t.lo.(e) v) t.hi.(e); active

(* Runs the instructions of one node; the children of the closing one, or [] for a leaf. *)
let run_node t r first_instruction active =
  let children = ref None in
  while !children = None do
    let code = byte r in
    if !first_instruction && code <> 1 then reject r "the first instruction is %d, not PROPAGATE" code;
    (match code with
     | 1 -> propagate t r !first_instruction; trace_bounds t "propagate"
     | 2 -> clip t r active; trace_bounds t "clip"
     | 3 ->
       children := Some (if active >= 0 then [ Disjunct active ] else List.init (Array.length t.property) (fun d -> Disjunct d))
     | 4 -> children := Some (split t r "SPLIT INPUT" (fun j -> j < t.program.inputs))
     | 5 -> children := Some (split t r "SPLIT ELEMENT" (fun e -> e < t.program.elements && is_affine t t.owner.(e)))
     | 6 -> refute t r active; children := Some []
     | 7 -> if not (is_empty t) then reject r "EMPTY: the context is not empty"; children := Some []
     | 9 -> tighten t r; trace_bounds t "tighten"
     | _ -> reject r "instruction %d" code);
    first_instruction := false
  done;
  Option.get !children

let walk t text =
  let r = { text; pos = 0 } in
  let leaves = ref 0 and nodes = ref 0 in
  let first_instruction = ref true in
  let stack = ref [] and depth = ref 0 in
  (* a node starts with its restriction applied; [mark] is the log before it *)
  let visit mark active =
    incr nodes;
    if !depth + 1 > max_path then reject r "more than %d nodes on a path" max_path;
    match run_node t r first_instruction active with
    | [] ->
      incr leaves;
      restore t mark
    | children ->
      stack := { mark; active; children } :: !stack;
      incr depth
  in
  visit 0 (-1);
  while !stack <> [] do
    let frame = List.hd !stack in
    match frame.children with
    | [] ->
      stack := List.tl !stack;
      decr depth;
      restore t frame.mark
    | child :: rest ->
      frame.children <- rest;
      let mark = t.trail_element.ni in
      let active = enter t frame.active child in
      visit mark active
  done;
  if r.pos <> String.length text then reject r "bytes follow the last node";
  !leaves, !nodes

(* The number of leaves and nodes, or why the tree proves nothing. *)
let check (program : program) (property : property) semantics tree =
  if Array.length property = 0 then
    if tree = "" then Ok (0, 0) else Error "a property without disjuncts has an empty tree"
  else
    match walk (create program property semantics) tree with
    | counts -> Ok counts
    | exception Refusal.Rejected reason -> Error reason
