(* T_lo[k] and T_hi[k] of spec/certificate.md section 6: the doubles around sigma(k/64), k = 0 .. 1024, computed here from
   the series of exp in integer arithmetic. Enclosures are in units of 2^-scale; that both of their ends round to the
   same double is checked, so the table is exact or the program stops. *)

let scale = 240
let points = 1024

(* [low, high] encloses exp(1/64): the terms are rounded down, each loses less than a unit, the tail is below one. *)
let exp_of_grid_step () =
  let term = ref (Z.shift_left Z.one scale) and sum = ref Z.zero and n = ref 0 in
  while Z.sign !term > 0 do
    sum := Z.add !sum !term;
    incr n;
    term := Z.div !term (Z.of_int (64 * !n))
  done;
  !sum, Z.add !sum (Z.of_int (2 * !n + 2))

let table = lazy (
  let step_low, step_high = exp_of_grid_step () in
  let one = Z.shift_left Z.one scale in
  let low = Array.make (points + 1) 0.5 and high = Array.make (points + 1) 0.5 in
  let e_low = ref one and e_high = ref one in
  for k = 1 to points do
    e_low := Z.shift_right (Z.mul !e_low step_low) scale;
    e_high := Z.succ (Z.shift_right (Z.mul !e_high step_high) scale);
    (* sigma(x) = exp(x) / (1 + exp(x)) increases with exp(x) *)
    let ends direction =
      let at e = Numbers.to_binary64 direction (Q.make e (Z.add one e)) in
      let a = at !e_low and b = at !e_high in
      if a <> b then failwith "sigmoid table: the enclosure is too wide";
      a
    in
    low.(k) <- ends Numbers.Down;
    high.(k) <- ends Numbers.Up
  done;
  low, high)

(* For every grid point k in -1024 .. 1024. *)
let t_low k =
  let low, high = Lazy.force table in
  if k >= 0 then low.(k) else 1.0 -. high.(-k)

let t_high k =
  let low, high = Lazy.force table in
  if k >= 0 then high.(k) else 1.0 -. low.(-k)
