(* What extract.v maps Coq's primitives to: integers of 63 bits, floats, persistent arrays.

   Floats are OCaml's: binary64, each operation rounded once to nearest, not fused by the compilers for x86-64 and arm64.
   Coq's kernel computes with the same operators (its kernel/float64.ml). *)

(* How extraction writes literals *)
module Uint63 = struct external of_int : int -> int = "%identity" end
module Float64 = struct external of_float : float -> float = "%identity" end

(* ---- Integers modulo 2^63, held in the 63 bits of an int: from 2^62 on as negative numbers *)

let[@inline] lt (a : int) b = a lxor min_int < b lxor min_int
let[@inline] le (a : int) b = a lxor min_int <= b lxor min_int
let shift_left a n = if 0 <= n && n < 63 then a lsl n else 0
let shift_right a n = if 0 <= n && n < 63 then a lsr n else 0

(* To nearest; the last bit of a large number is kept where it still decides a tie. *)
let[@inline] to_float a = if a >= 0 then float_of_int a else 2.0 *. float_of_int ((a lsr 1) lor (a land 1))

(* x * 2^(e - 2101) *)
let ldshiftexp x e = ldexp x ((if lt e 4202 then e else 4202) - 2101)

(* A nat is the integer that it denotes. *)
let z_of_nat (n : Z.t) = n

(* The integer modulo 2^63 *)
let of_z z = if Z.fits_int z then Z.to_int z else Z.to_int (Z.signed_extract z 0 63)

(* ---- Arrays, as PArray specifies them: at most max_length elements and a default value, which is what reading outside
   gives; writing outside changes nothing; every version of an array keeps its contents.

   Versions share a store, which holds the elements of its newest version and a log of what each write replaced. Reading
   or writing an older version first gives it a store of its own. In the checker nearly every version is used once, while
   it is the newest, and then forgotten.

   The elements are in blocks of 64. A block that was never written is [blank], shared and never changed, so that an
   array of zeros costs little however few of its elements are used. *)

type 'a store = {
  size : int;
  blank : 'a array;               (* 64 times the default *)
  blocks : 'a array array;        (* size / 64 + 1 of them, so that every place below size is in one *)
  mutable newest : int;           (* number of writes, and the version that the blocks hold; -1 when the log is full *)
  places : int array;             (* of each write: the place and what stood there before *)
  replaced : 'a array;
}

type 'a t = { mutable store : 'a store; mutable version : int }

let max_length = 4194303

let store size blank blocks replaced =
  { size; blank; blocks; newest = 0; places = Array.make (Array.length replaced) 0; replaced }

(* A short log at first; then one in which copying the elements, when it is full, costs a few words per write. Copies of
   [blank] are cheap, and so is what has no more than 256 words. *)
let short_log blank = Array.copy blank
let long_log size blank =
  if size <= 1024 then Array.concat [ blank; blank; blank; blank ] else Array.make (size / 4) blank.(0)

let make n default =
  let size = if lt n max_length then n else max_length in
  let blank = Array.make 64 default in
  { store = store size blank (Array.make (size / 64 + 1) blank) (short_log blank); version = 0 }

(* Gives this version a store of its own: a copy with the later writes undone. *)
let own t =
  let from = t.store in
  let blocks = Array.map (fun block -> if block == from.blank then block else Array.copy block) from.blocks in
  let writes = if from.newest < 0 then Array.length from.places else from.newest in
  for n = writes - 1 downto t.version do
    let place = from.places.(n) in
    blocks.(place lsr 6).(place land 63) <- from.replaced.(n)
  done;
  t.store <- store from.size from.blank blocks (long_log from.size from.blank);
  t.version <- 0

let length t = t.store.size

(* Reading and writing where the texts in extract.v, which know the type of the elements and so need no box for a float,
   do not apply: when this version is not the newest or the log is full, outside, and in a block not written before. *)

let get t e =
  if t.version <> t.store.newest then own t;
  let s = t.store in
  if lt e s.size then s.blocks.(e lsr 6).(e land 63) else s.blank.(0)

let set t e value =
  if not (lt e t.store.size) then t
  else begin
    if t.version <> t.store.newest then own t;
    let s = t.store in
    if s.blocks.(e lsr 6) == s.blank then s.blocks.(e lsr 6) <- Array.copy s.blank;
    let block = s.blocks.(e lsr 6) and n = s.newest in
    s.places.(n) <- e;
    s.replaced.(n) <- block.(e land 63);
    block.(e land 63) <- value;
    s.newest <- if n + 1 = Array.length s.places then -1 else n + 1;
    { store = s; version = n + 1 }
  end
