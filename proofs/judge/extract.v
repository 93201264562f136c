(* Extraction of check_certificate (Checker.v, proved sound in CheckSound.v) to OCaml: the Makefile compiles this file
   in build/, where it writes extracted.ml.

   Only primitives and types are mapped; every function of the checker is extracted from its Gallina text. Primitive
   integers and floats become those of Coq's own kernel (Uint63, Float64: OCaml's int, and float with one rounding per
   operation), primitive arrays the ones of primitives.ml. A natural number, a positive or a Z becomes an integer of
   Zarith, which is exact at every size: no count can wrap around, and a number of the certificate near 2^63 costs
   nothing. *)
From Coq Require Import ZArith List Floats Uint63 PArray.
From Coq Require Import ExtrOcamlBasic ExtrOcamlNatBigInt ExtrOcamlZBigInt.
From Coq Require Extraction.
From AxiomProofs Require Import Checker.
Extraction Language OCaml.

(* As in ExtrOCamlInt63 and ExtrOCamlFloats, but in place, so that no call remains where one instruction will do. *)
Extract Inlined Constant Uint63.int => "Uint63.t".
Extract Inlined Constant Uint63.lsl => "Uint63.l_sl".
Extract Inlined Constant Uint63.lsr => "Uint63.l_sr".
Extract Inlined Constant Uint63.land => "Uint63.l_and".
Extract Inlined Constant Uint63.lor => "Uint63.l_or".
Extract Inlined Constant Uint63.add => "Uint63.add".
Extract Inlined Constant Uint63.sub => "Uint63.sub".
Extract Inlined Constant Uint63.eqb => "Uint63.equal".
Extract Inlined Constant Uint63.ltb => "Uint63.lt".
Extract Inlined Constant Uint63.leb => "Uint63.le".

Extract Inlined Constant PrimFloat.float => "Float64.t".
Extract Inlined Constant PrimFloat.abs => "Float64.abs".
Extract Inlined Constant PrimFloat.opp => "Float64.opp".
Extract Inlined Constant PrimFloat.eqb => "Float64.eq".
Extract Inlined Constant PrimFloat.ltb => "Float64.lt".
Extract Inlined Constant PrimFloat.leb => "Float64.le".
Extract Inlined Constant PrimFloat.mul => "Float64.mul".
Extract Inlined Constant PrimFloat.add => "Float64.add".
Extract Inlined Constant PrimFloat.sub => "Float64.sub".
Extract Inlined Constant PrimFloat.div => "Float64.div".
Extract Inlined Constant PrimFloat.of_uint63 => "Float64.of_uint63".
Extract Inlined Constant PrimFloat.ldshiftexp => "Float64.ldshiftexp".

Extract Constant PArray.array "'a" => "'a Primitives.t".
Extract Inlined Constant PArray.make => "Primitives.make".
Extract Inlined Constant PArray.get => "Primitives.get".
Extract Inlined Constant PArray.set => "Primitives.set".
Extract Inlined Constant PArray.length => "Primitives.length".
Extract Inlined Constant PArray.max_length => "Primitives.max_length".

(* Conversions between the exact integers, which would count or halve: see primitives.ml. *)
Extract Inlined Constant Z.of_nat => "Primitives.z_of_nat".
Extract Inlined Constant Uint63.of_Z => "Primitives.of_z".
Extract Constant PeanoNat.Nat.max => "Big_int_Z.max_big_int".

Extract Inlined Constant fst => "fst".
Extract Inlined Constant snd => "snd".
Extract Inlined Constant negb => "not".
Extraction Inline Store.read Store.write Rounding.fsum.

Extraction "extracted.ml" check_certificate.
