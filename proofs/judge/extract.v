(* Extraction of check_certificate (Checker.v, proved sound in CheckSound.v) to OCaml: the Makefile compiles this file
   in build/, where it writes extracted.ml.

   Every function of the checker is extracted from its Gallina text; mapped to OCaml are types, primitives, arithmetic on
   nat, positive and Z, and four functions on lists. Primitive integers and floats become what they are in Coq's own
   kernel, OCaml's int and its float with one rounding per operation; arrays are those of primitives.ml. Of Coq's library
   ExtrOCamlInt63, ExtrOCamlFloats and ExtrOCamlPArray are not used: the kernel's modules are compiled so that every
   operation is a call and a box, and its arrays box every float. A natural number, a positive or a Z becomes an integer of
   Zarith, which is exact at every size: no count can wrap around, and a number of the certificate near 2^63 costs
   nothing. *)
From Coq Require Import ZArith List Floats Uint63 PArray.
From Coq Require Import ExtrOcamlBasic ExtrOcamlNatBigInt ExtrOcamlZBigInt.
From Coq Require Extraction.
From AxiomProofs Require Import Checker.
Extraction Language OCaml.

(* Primitive integers and floats, in place, so that no call remains where one instruction will do. *)
Extract Inlined Constant Uint63.int => "int".
Extract Inlined Constant Uint63.lsl => "Primitives.shift_left".
Extract Inlined Constant Uint63.lsr => "Primitives.shift_right".
Extract Inlined Constant Uint63.land => "(land)".
Extract Inlined Constant Uint63.lor => "(lor)".
Extract Inlined Constant Uint63.add => "(+)".
Extract Inlined Constant Uint63.sub => "(-)".
Extract Inlined Constant Uint63.eqb => "((=) : int -> int -> bool)".
Extract Inlined Constant Uint63.ltb => "Primitives.lt".
Extract Inlined Constant Uint63.leb => "Primitives.le".

Extract Inlined Constant PrimFloat.float => "float".
Extract Inlined Constant PrimFloat.abs => "abs_float".
Extract Inlined Constant PrimFloat.opp => "(~-.)".
Extract Inlined Constant PrimFloat.eqb => "((=) : float -> float -> bool)".
Extract Inlined Constant PrimFloat.ltb => "((<) : float -> float -> bool)".
Extract Inlined Constant PrimFloat.leb => "((<=) : float -> float -> bool)".
Extract Inlined Constant PrimFloat.mul => "( *. )".
Extract Inlined Constant PrimFloat.add => "(+.)".
Extract Inlined Constant PrimFloat.sub => "(-.)".
Extract Inlined Constant PrimFloat.div => "(/.)".
Extract Inlined Constant PrimFloat.of_uint63 => "Primitives.to_float".
Extract Inlined Constant PrimFloat.ldshiftexp => "Primitives.ldshiftexp".

Extract Constant PArray.array "'a" => "'a Primitives.t".
Extract Inlined Constant PArray.make => "Primitives.make".
Extract Inlined Constant PArray.get =>
  "Primitives.(fun t e -> let s = t.store in
    if t.version = s.newest && lt e s.size then Array.unsafe_get (Array.unsafe_get s.blocks (e lsr 6)) (e land 63)
    else get t e)".
Extract Inlined Constant PArray.set =>
  "Primitives.(fun t e v -> let s = t.store in let n = s.newest in
    if t.version = n && lt e s.size && Array.unsafe_get s.blocks (e lsr 6) != s.blank then begin
      let block = Array.unsafe_get s.blocks (e lsr 6) in
      Array.unsafe_set s.places n e;
      Array.unsafe_set s.replaced n (Array.unsafe_get block (e land 63));
      Array.unsafe_set block (e land 63) v;
      let n = n + 1 in
      s.newest <- if n = Array.length s.places then -1 else n;
      { store = s; version = n }
    end else set t e v)".
Extract Inlined Constant PArray.length => "Primitives.length".
Extract Inlined Constant PArray.max_length => "Primitives.max_length".

(* Conversions between the exact integers, which would count or halve: see primitives.ml. *)
Extract Inlined Constant Z.of_nat => "Primitives.z_of_nat".
Extract Inlined Constant Uint63.of_Z => "Primitives.of_z".
Extract Constant PeanoNat.Nat.max => "Big_int_Z.max_big_int".

Extract Inlined Constant fst => "fst".
Extract Inlined Constant snd => "snd".
Extract Inlined Constant negb => "not".

(* Where a function is passed to one of these, it is known where it is called, so that it needs no call and a sum no box
   per term. *)
Extract Inlined Constant fold_left =>
  "(fun f l s -> let l = ref l and s = ref s in
    while (match !l with [] -> false | x :: rest -> s := f !s x; l := rest; true) do () done; !s)".
Extract Inlined Constant map => "(fun f l -> let rec go = function [] -> [] | x :: rest -> let y = f x in y :: go rest in go l)".
Extract Inlined Constant filter =>
  "(fun f l -> let rec go = function [] -> [] | x :: rest -> if f x then x :: go rest else go rest in go l)".
Extract Inlined Constant forallb =>
  "(fun f l -> let rec go = function [] -> true | x :: rest -> f x && go rest in go l)".

(* Small functions that take the bounds as functions, for the same reason *)
Extraction Inline Store.read Store.write Rounding.fsum Rounding.least Rounding.most Rounding.lower Rounding.upper Rounding.charge
  AffineRows.row_s AffineRows.row_low AffineRows.row_high AffineRows.row_e AffineRows.row_slack AffineRows.row_q
  Sweep.b_of Sweep.t_of Sweep.small Sweep.small_constant Sweep.step_constant Sweep.t1_of Sweep.t2_of Sweep.t3_of.

Extraction "extracted.ml" check_certificate.
