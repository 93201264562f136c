(* The lines and bounds of sigmoid and tanh: the extracted checker and the plain reading compute the same bits, on
   intervals at and around every edge of section 6 and on random ones, empty ones among them. *)

let failures = ref 0
let pairs = ref 0

let bits = List.map Int64.bits_of_float

let compare_at semantics l h =
  let against name (line : Extracted.line) (lo, hi) plain =
    let r = Lines.fresh () in
    plain semantics l h r;
    incr pairs;
    if bits [ line.s_lo; line.k_lo; line.s_hi; line.k_hi; lo; hi ] <> bits [ r.s_lo; r.k_lo; r.s_hi; r.k_hi; r.lo; r.hi ] then begin
      incr failures;
      Printf.printf "FAILED: %s on [%h, %h]\n" name l h
    end
  in
  let s = match semantics with Types.Real -> Extracted.Real | Float32 -> Extracted.Float32 in
  against "sigmoid" (Extracted.sigmoid_line l h) (Extracted.sigmoid_bounds s l h) Lines.sigmoid;
  against "tanh" (Extracted.tanh_line l h) (Extracted.tanh_bounds s l h) Lines.tanh

let edges =
  let at = [ 0.0; 0x1p-1074; 0x1p-60; 0x1p-6; 0.25; 1.0; 7.75; 8.0; 15.984375; 16.0; 16.015625; 32.0; 1000.0; 0x1p19; 0x1p20; 0x1p21; 0x1p1023 ] in
  List.concat_map (fun v -> List.concat_map (fun v -> [ v; -.v ]) [ v; Float.succ v; Float.pred v ]) at

let random () =
  let sign = if Random.bool () then 1.0 else -1.0 in
  match Random.int 4 with
  | 0 -> sign *. Random.float 1.0
  | 1 -> sign *. Random.float 20.0
  | 2 -> sign *. float_of_int (Random.int 1100) /. 64.0
  | _ -> sign *. ldexp (Random.float 1.0) (Random.int 60 - 38)

let () =
  List.iter (fun l -> List.iter (fun h -> List.iter (fun s -> compare_at s l h) [ Types.Real; Float32 ]) edges) edges;
  Random.init 1;
  for _ = 1 to 20000 do
    let l = random () and h = random () in
    compare_at Types.Float32 (Float.min l h) (Float.max l h)
  done;
  for _ = 1 to 10000 do
    let l = random () in
    compare_at Types.Real l (l +. ldexp (Random.float 1.0) (Random.int 20 - 16))
  done;
  if !failures > 0 then exit 1;
  Printf.printf "%d curves agree in every bit\n" !pairs
