(* Tests of what extract.v maps primitives to, through functions of the extracted checker: arrays against plain copies of
   every version, integers and floats against their definitions. *)

let failures = ref 0

let claim sentence holds =
  if not holds then begin
    incr failures;
    print_endline ("FAILED: " ^ sentence)
  end

let places size = List.init (size + 3) (fun e -> e) @ [ -1; min_int; max_int ]

let contents size array = List.map (fun e -> e, Primitives.get array e) (places size)

(* Additions to versions chosen at random, old ones too, by the extracted merge, which reads and writes; reads them all
   back now and then. *)
let arrays size writes =
  Random.init size;
  let read plain e = if 0 <= e && e < size then plain.(e) else 0.5 in
  let expected plain = List.map (fun e -> e, read plain e) (places size) in
  let versions = Array.make 8 (Primitives.make size 0.5, Array.make size 0.5) in
  let agrees (array, plain) = contents size array = expected plain in
  for n = 1 to writes do
    (* mostly on from the version written last *)
    let from = if Random.int 8 = 0 then Random.int 8 else 0 in
    let array, plain = versions.(from) in
    let count = if Random.int 4 = 0 then Random.int (2 * size + 2) else 1 in
    let changes = List.init count (fun _ -> Random.int (size + 1), float_of_int (Random.int 1000)) in
    let cols, added = List.split changes in
    let _, array = Extracted.merge (fun _ -> 1.0) cols added array false 0.0 in
    let plain = Array.copy plain in
    List.iter (fun (e, v) -> if e < size then plain.(e) <- plain.(e) +. v) changes;
    if from = 0 && Random.bool () then versions.(1 + Random.int 7) <- versions.(0);
    versions.(0) <- array, plain;
    if n mod 50 = 0 then
      claim (Printf.sprintf "every version of an array of %d keeps its contents" size) (Array.for_all agrees versions)
  done;
  claim (Printf.sprintf "every version of an array of %d keeps its contents" size) (Array.for_all agrees versions)

let booleans () =
  let all = Primitives.make 100 false in
  let some = Extracted.mark [ 3; 64; 99; 100; -1 ] all in
  let read array e = Primitives.get array e in
  claim "marks are where they were put" (List.for_all (fun e -> read some e = List.mem e [ 3; 64; 99 ]) (places 100));
  claim "an array that was marked keeps its contents" (List.for_all (fun e -> not (read all e)) (places 100))

let sizes () =
  let length n = Primitives.length (Primitives.make n 0.0) in
  claim "an array has at most 4194303 elements"
    (length 4194303 = 4194303 && length 4194304 = 4194303 && length (-1) = 4194303 && length min_int = 4194303);
  claim "an array may be empty" (length 0 = 0)

let integers () =
  claim "integers compare without sign"
    (Primitives.lt 1 2 && Primitives.lt max_int min_int && Primitives.lt max_int (-1) && not (Primitives.lt (-1) 0)
     && Primitives.le (-1) (-1) && not (Primitives.lt 3 3));
  claim "a shift by 63 or more gives 0"
    (Primitives.shift_left 1 62 = min_int && Primitives.shift_left 1 63 = 0 && Primitives.shift_left 1 (-1) = 0
     && Primitives.shift_right (-1) 62 = 1 && Primitives.shift_right (-1) 63 = 0);
  let two = Z.shift_left Z.one in
  claim "integers are taken modulo 2^63"
    (Primitives.of_z (two 62) = min_int && Primitives.of_z (two 63) = 0 && Primitives.of_z (Z.pred (two 63)) = -1
     && Primitives.of_z (Z.of_int (-5)) = -5 && Primitives.of_z (Z.neg (two 63)) = 0);
  (* rounding of unsigned integers, against the exact rounding of the readers *)
  let exact n = Numbers.to_binary64 Numbers.Nearest (Q.of_bigint (Z.extract (Z.of_int n) 0 63)) in
  Random.init 63;
  let some = List.init 20000 (fun n -> (Random.bits () lsl 33) lxor (Random.bits () lsl (n mod 60)) lxor Random.bits ()) in
  let edges = List.concat_map (fun k -> List.init 7 (fun d -> (1 lsl k) + d - 3)) (List.init 63 (fun k -> k)) in
  let ties = List.concat_map (fun d -> [ min_int + 512 + d; min_int + 1536 + d; -1024 + d; -512 + d ]) [ -1; 0; 1 ] in
  claim "integers round to the nearest float"
    (List.for_all (fun n -> Primitives.to_float n = exact n) ([ 0; 1; -1; max_int; min_int ] @ some @ edges @ ties))

(* Numbers of certificates: the extracted readers put them together from mantissa and exponent. *)
let floats () =
  let bytes size bits = List.init size (fun n -> Int64.to_int (Int64.logand (Int64.shift_right_logical bits (8 * n)) 255L)) in
  let same value = function
    | Some (read, []) -> value -. value = 0.0 && Int64.bits_of_float read = Int64.bits_of_float value
    | Some _ -> false
    | None -> value -. value <> 0.0
  in
  let edges64 = [ 0L; 1L; 2L; 0x000FFFFFFFFFFFFFL; 0x0010000000000000L; 0x7FEFFFFFFFFFFFFFL; 0x7FF0000000000000L;
                  0x7FF8000000000001L; 0x3FF0000000000000L ] in
  let edges32 = [ 0l; 1l; 0x007FFFFFl; 0x00800000l; 0x7F7FFFFFl; 0x7F800000l; 0x7FC00000l; 0x3F800000l ] in
  Random.init 64;
  let some64 = List.init 20000 (fun _ -> Random.int64 Int64.max_int) and some32 = List.init 20000 (fun _ -> Random.int32 Int32.max_int) in
  let signs64 b = [ b; Int64.logor b Int64.min_int ] and signs32 b = [ b; Int32.logor b Int32.min_int ] in
  claim "numbers of 8 bytes are read as binary64"
    (List.for_all (fun b -> same (Int64.float_of_bits b) (Extracted.f64 (bytes 8 b))) (List.concat_map signs64 (edges64 @ some64)));
  claim "numbers of 4 bytes are read as binary32"
    (List.for_all (fun b -> same (Int32.float_of_bits b) (Extracted.f32 (bytes 4 (Int64.of_int32 b))))
       (List.concat_map signs32 (edges32 @ some32)))

let () =
  List.iter (fun (size, writes) -> arrays size writes)
    [ 0, 50; 1, 500; 31, 3000; 32, 3000; 33, 3000; 100, 3000; 357, 3000; 1500, 600 ];
  booleans ();
  sizes ();
  integers ();
  floats ();
  if !failures > 0 then exit 1;
  print_endline "all tests passed"
