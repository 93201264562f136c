(* The arithmetic of spec/certificate.md section 2. OCaml's float is binary64 and its operators round once, to nearest;
   the compilers for x86-64 and arm64 do not fuse them. *)

let ulp = 0x1p-52           (* U *)
let tau = 0x1p-990
let u = 0x1p-24
let eta = 0x1p-126

let[@inline] fmin (a : float) (b : float) = if b < a then b else a
let[@inline] fmax (a : float) (b : float) = if a < b then b else a
let[@inline] lower x e = x -. ((e +. (Float.abs x +. e) *. 0x1p-50) +. tau)
let[@inline] upper x e = x +. ((e +. (Float.abs x +. e) *. 0x1p-50) +. tau)
let[@inline] charge c t = c -. (t +. (4.0 *. ulp) *. (Float.abs c +. t))
let[@inline] finite x = x -. x = 0.0
