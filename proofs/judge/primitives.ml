(* What extract.v maps primitives to where Coq's kernel has nothing fit for it.

   Arrays, as PArray specifies them: an array of at most max_length elements with a default value, which is what reading
   outside gives; writing outside changes nothing; every version of an array keeps its contents. Baker's representation,
   like that of Coq's kernel: the newest version holds the elements, an older one says in what it differs from a newer,
   and reading an older version first makes it the one that holds the elements. Unlike the kernel's, an array of floats
   is a flat OCaml one, which spares a write barrier and a box per element. *)

type 'a t = 'a version ref
and 'a version =
  | Elements of 'a array * 'a         (* and the default *)
  | Differs of int * 'a * 'a t        (* at one place from another version *)

let max_length = Uint63.of_int 4194303

let make n default = ref (Elements (Array.make (Uint63.to_int_min n 4194303) default, default))

(* Makes [t] hold the elements, turning around the chain of differences from it. *)
let rec hold path t =
  match !t with
  | Elements _ -> List.iter (fun (older, place, value) ->
      match !older with
      | Differs (_, _, newer) ->
        (match !newer with
         | Elements (elements, _) as all ->
           let other = elements.(place) in
           elements.(place) <- value;
           older := all;
           newer := Differs (place, other, older)
         | Differs _ -> assert false)
      | Elements _ -> assert false) path
  | Differs (place, value, newer) -> hold ((t, place, value) :: path) newer

let rec get t e =
  match !t with
  | Elements (elements, default) ->
    let size = Array.length elements in
    let place = Uint63.to_int_min e size in
    if place < size then Array.unsafe_get elements place else default
  | Differs _ -> hold [] t; get t e

let rec set t e value =
  match !t with
  | Elements (elements, _) as all ->
    let size = Array.length elements in
    let place = Uint63.to_int_min e size in
    if place < size then begin
      let old = Array.unsafe_get elements place in
      Array.unsafe_set elements place value;
      let newer = ref all in
      t := Differs (place, old, newer);
      newer
    end
    else t
  | Differs _ -> hold [] t; set t e value

let rec length t =
  match !t with
  | Elements (elements, _) -> Uint63.of_int (Array.length elements)
  | Differs (_, _, newer) -> length newer

(* A nat is the integer that it denotes. *)
let z_of_nat (n : Z.t) = n

(* The integer modulo 2^63, as the 63 bits of an OCaml int. *)
let of_z z = Uint63.of_int (if Z.fits_int z then Z.to_int z else Z.to_int (Z.signed_extract z 0 63))
