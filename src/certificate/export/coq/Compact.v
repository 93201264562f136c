(* Short ways to write long lists: files of these are a third as large for coqc, and
   what they stand for is computed. *)
From Coq Require Import List Floats Uint63.
Import ListNotations.

(* Terms that read consecutive elements, from e on. *)
Fixpoint dense (e : int) (weights : list float) : list (int * float) :=
  match weights with [] => [] | w :: rest => (e, w) :: dense (e + 1) rest end.

(* Seven bytes a number, the first one least significant. *)
Fixpoint unpack (words : list int) (rest : list int) : list int :=
  match words with
  | [] => rest
  | n :: more =>
      (n land 255) :: ((n >> 8) land 255) :: ((n >> 16) land 255) :: ((n >> 24) land 255)
      :: ((n >> 32) land 255) :: ((n >> 40) land 255) :: (n >> 48) :: unpack more rest
  end%uint63.
