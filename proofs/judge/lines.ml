(* The lines and bounds of unary, maxpool and softmax elements (spec/certificate.md section 6), a plain reading. *)

open Arithmetic

(* y >= s_lo * src + k_lo - e and y <= s_hi * src + k_hi + e; [lo, hi] bounds y. For relu and leaky_relu with
   l < 0 < h, s_lo is chosen by the slope rule at the time of use and is not set here. *)
type line = {
  mutable s_lo : float; mutable k_lo : float; mutable s_hi : float; mutable k_hi : float;
  mutable e : float; mutable lo : float; mutable hi : float;
}

let fresh () = { s_lo = 0.0; k_lo = 0.0; s_hi = 0.0; k_hi = 0.0; e = 0.0; lo = 0.0; hi = 0.0 }

let set r s_lo k_lo s_hi k_hi = r.s_lo <- s_lo; r.k_lo <- k_lo; r.s_hi <- s_hi; r.k_hi <- k_hi

let relu semantics l h r =
  r.e <- (if semantics = Types.Real then 0.0 else eta);
  if h <= 0.0 then set r 0.0 0.0 0.0 0.0
  else if l >= 0.0 then set r 1.0 0.0 1.0 0.0
  else begin
    let s = h /. (h -. l) in
    set r 0.0 0.0 s (fmax (-.(s *. l)) ((1.0 -. s) *. h) *. (1.0 +. 0x1p-48) +. tau)
  end;
  r.lo <- (if l >= eta then l else 0.0);
  r.hi <- (if h > 0.0 then h else 0.0)

let leaky_relu semantics alpha l h r =
  let x = fmax (Float.abs l) (Float.abs h) in
  r.e <- (if semantics = Types.Real then 0.0 else (u *. alpha) *. x *. (1.0 +. 0x1p-50) +. 2.0 *. eta);
  if h <= 0.0 then set r alpha 0.0 alpha 0.0
  else if l >= 0.0 then set r 1.0 0.0 1.0 0.0
  else begin
    let s = (h -. alpha *. l) /. (h -. l) in
    let k = fmax 0.0 (fmax ((alpha -. s) *. l) ((1.0 -. s) *. h)) *. (1.0 +. 0x1p-40) +. (h -. l) *. 0x1p-48 +. tau in
    set r 0.0 0.0 s k
  end;
  let phi z = if z < 0.0 then alpha *. z else z in
  r.lo <- lower (phi l) r.e;
  r.hi <- upper (phi h) r.e

(* The points (p, vlo, vhi) between which sigma is interpolated, and the grid stride q. *)
let sigmoid_points l h =
  let a = fmax l (-16.0) and b = fmin h 16.0 in
  let a, b = if a > b then (if l > 0.0 then 16.0, 16.0 else -16.0, -16.0) else a, b in
  let i0 = int_of_float (Float.floor (a *. 64.0)) and i1 = int_of_float (Float.ceil (b *. 64.0)) in
  let q = ref 1 in
  while i1 - i0 > 32 * !q do q := 2 * !q done;
  let q = !q in
  let below i = if i >= 0 then i / q * q else - ((-i + q - 1) / q * q) in
  let i0 = below i0 and i1 = - (below (-i1)) in
  let i0, i1 = if i0 < i1 then i0, i1 else if i1 = 1024 then i0 - q, i1 else i0, i1 + q in
  let count = (i1 - i0) / q in
  let left = l < -16.0 and right = h > 16.0 in
  let grid =
    List.init (count + 1) (fun n ->
        let i = i0 + n * q in
        let p = float_of_int i /. 64.0 in
        if i = -1024 && left then p, 0.0, Sigmoid_table.t_high (-1024)
        else if i = 1024 && right then p, Sigmoid_table.t_low 1024, 1.0
        else p, Sigmoid_table.t_low i, Sigmoid_table.t_high i)
  in
  let front = if left then [ l, 0.0, Sigmoid_table.t_high (-1024) ] else [] in
  let back = if right then [ h, Sigmoid_table.t_low 1024, 1.0 ] else [] in
  Array.of_list (front @ grid @ back), q

(* Sigmoid without the float32 error: e is added by the caller. *)
let sigmoid_core l h r =
  if not (Float.abs l <= 0x1p20 && Float.abs h <= 0x1p20) then begin
    set r 0.0 0.0 0.0 1.0;
    r.lo <- 0.0;
    r.hi <- 1.0
  end
  else begin
    let points, q = sigmoid_points l h in
    let n = Array.length points in
    let step = float_of_int q /. 64.0 in
    let delta = step *. step *. 0.0121 in
    let mid = (l +. h) *. 0.5 in
    let s_lo = ref 0.0 and s_hi = ref 0.0 and least = ref 0.0 and greatest = ref 0.0 and found = ref false in
    for i = 0 to n - 1 do
      let p, vlo, vhi = points.(i) in
      if p <= mid then
        for j = i + 1 to n - 1 do
          let p', vlo', vhi' = points.(j) in
          if mid <= p' then begin
            let r_lo = (vlo' -. vlo) /. (p' -. p) and r_hi = (vhi' -. vhi) /. (p' -. p) in
            let at_lo = vlo +. r_lo *. (mid -. p) and at_hi = vhi +. r_hi *. (mid -. p) in
            if not !found || at_lo < !least then begin least := at_lo; s_lo := r_lo end;
            if not !found || at_hi > !greatest then begin greatest := at_hi; s_hi := r_hi end;
            found := true
          end
        done
    done;
    let farthest = ref 0.0 in
    Array.iter (fun (p, _, _) -> farthest := fmax !farthest (Float.abs p)) points;
    let intercept pick best s =
      let k = ref nan in
      Array.iteri (fun n point ->
          let (p, _, _) = point in
          let v : float = pick point -. s *. p in
          k := if n = 0 then v else best !k v) points;
      !k
    in
    let k_lo = intercept (fun (_, v, _) -> v) (fun a b -> fmin a b) !s_lo in
    let k_hi = intercept (fun (_, _, v) -> v) (fun a b -> fmax a b) !s_hi in
    let d s = delta +. (Float.abs s *. !farthest) *. 0x1p-50 in
    let k_lo = lower k_lo (d !s_lo) and k_hi = upper k_hi (d !s_hi) in
    set r !s_lo k_lo !s_hi k_hi;
    r.lo <- fmax 0.0 (fmin (!s_lo *. l +. k_lo) (!s_lo *. h +. k_lo) -. 0x1p-30);
    r.hi <- fmin 1.0 (fmax (!s_hi *. l +. k_hi) (!s_hi *. h +. k_hi) +. 0x1p-30)
  end

let sigmoid semantics l h r =
  sigmoid_core l h r;
  r.e <- (if semantics = Types.Real then 0.0 else 0x1p-20);
  r.lo <- r.lo -. r.e;
  r.hi <- r.hi +. r.e

let tanh semantics l h r =
  sigmoid_core (2.0 *. l) (2.0 *. h) r;
  r.e <- (if semantics = Types.Real then 0.0 else 0x1p-20);
  set r (4.0 *. r.s_lo) (lower (2.0 *. r.k_lo -. 1.0) 0.0) (4.0 *. r.s_hi) (upper (2.0 *. r.k_hi -. 1.0) 0.0);
  r.lo <- (2.0 *. r.lo -. 1.0) -. 0x1p-40 -. r.e;
  r.hi <- (2.0 *. r.hi -. 1.0) +. 0x1p-40 +. r.e

let unary semantics kind alpha l h r =
  match kind with
  | Types.Relu -> relu semantics l h r
  | Types.Leaky_relu -> leaky_relu semantics alpha l h r
  | Types.Sigmoid -> sigmoid semantics l h r
  | Types.Tanh -> tanh semantics l h r

(* How far the sum of a softmax group of n elements may be from 1, and the bounds of its elements. *)
let softmax_error semantics n =
  let k = float_of_int (n + 8) in
  if semantics = Types.Real then 0.0 else ((k *. u) /. (1.0 -. k *. u)) *. (1.0 +. 0x1p-50)

let softmax_bounds semantics n = 0.0, (if semantics = Types.Real then 1.0 else upper 1.0 (softmax_error semantics n))

(* Sets the line over the winner and returns its position in the window [from, upto). *)
let maxpool semantics lo hi (sources : int array) from upto r =
  let winner = ref from in
  for n = from + 1 to upto - 1 do
    if lo.(sources.(n)) > lo.(sources.(!winner)) then winner := n
  done;
  let highest = ref neg_infinity and second = ref neg_infinity in
  for n = from to upto - 1 do
    highest := fmax !highest hi.(sources.(n));
    if n <> !winner then second := fmax !second hi.(sources.(n))
  done;
  let l = lo.(sources.(!winner)) in
  r.e <- (if semantics = Types.Real then 0.0 else eta);
  if l >= !second then set r 1.0 0.0 1.0 0.0 else set r 1.0 0.0 0.0 !highest;
  r.lo <- lower l r.e;
  r.hi <- upper !highest r.e;
  !winner
