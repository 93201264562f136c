(* Tests of the parts of the readers that can be wrong without any certificate noticing: digests against FIPS 180-4,
   rounding of decimals against the definition of rounding, integers of certificates, the table of the sigmoid. *)

let failures = ref 0

let claim sentence holds =
  if not holds then begin
    incr failures;
    print_endline ("FAILED: " ^ sentence)
  end

let sha256 () =
  let digest text = Sha256.hex (Sha256.digest text) in
  claim "the digest of nothing is that of FIPS 180-4"
    (digest "" = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  claim "the digest of abc is that of FIPS 180-4"
    (digest "abc" = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  claim "the digest of two blocks is that of FIPS 180-4"
    (digest "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
     = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  claim "the digest of a million a is that of FIPS 180-4"
    (digest (String.make 1_000_000 'a') = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")

let decimal text =
  match Numbers.decimal_of_string text with Some q -> q | None -> failwith (text ^ " is no decimal")

(* Exact value of a finite double. *)
let exact x = Q.of_float x

(* [x] is what [direction] makes of q among the values of a format, where next and previous give neighbours in it. *)
let is_rounding direction q x ~above ~below ~even =
  let above_q y = y = infinity || (y <> neg_infinity && Q.geq (exact y) q) in
  let below_q y = y = neg_infinity || (y <> infinity && Q.leq (exact y) q) in
  match direction with
  | Numbers.Up -> above_q x && (x = neg_infinity || not (above_q (below x)) || exact x = q)
  | Numbers.Down -> below_q x && (not (below_q (above x)) || exact x = q)
  | Numbers.Nearest ->
    Float.abs x = infinity
    || (let distance y = if Float.abs y = infinity then None else Some (Q.abs (Q.sub (exact y) q)) in
        let mine = Option.get (distance x) in
        List.for_all (fun y ->
            match distance y with
            | None -> true
            | Some other -> Q.lt mine other || (Q.equal mine other && even x)) [ above x; below x ])

let bits32 x = Int32.bits_of_float x
let next32 x =
  if x = 0.0 then Int32.float_of_bits 1l
  else Int32.float_of_bits (if x > 0.0 then Int32.succ (bits32 x) else Int32.pred (bits32 x))
let even64 x = Int64.logand (Int64.bits_of_float x) 1L = 0L
let even32 x = Int32.logand (bits32 x) 1l = 0l

let check_rounding text =
  let q = decimal text in
  List.iter (fun (direction, name) ->
      claim (text ^ " is rounded " ^ name ^ " to binary64")
        (is_rounding direction q (Numbers.to_binary64 direction q) ~above:Float.succ ~below:Float.pred ~even:even64))
    [ Numbers.Up, "up"; Numbers.Down, "down"; Numbers.Nearest, "to nearest" ];
  claim (text ^ " is rounded to nearest binary32")
    (is_rounding Numbers.Nearest q (Numbers.to_binary32 Numbers.Nearest q) ~above:next32
       ~below:(fun x -> -.next32 (-.x)) ~even:even32);
  claim (text ^ " is read as the C library reads it") (Numbers.to_binary64 Numbers.Nearest q = float_of_string text)

let rounding () =
  List.iter check_rounding
    [ "0"; "1"; "-1"; "0.1"; "-0.1"; "1e-400"; "-1e-400"; "4.9e-324"; "2.4703282292062327e-324"; "2.4703282292062328e-324";
      "2.2250738585072011e-308"; "1.7976931348623157e308"; "9007199254740993"; "-9007199254740993"; "16777217"; "16777219";
      "1.00000005960464477539062"; "1.000000059604644775390625"; "1.00000005960464477539063"; "7e-46"; "7.1e-46";
      "1.401298464324817e-45"; "1.1754943508222875e-38"; ".5"; "5."; "+3e2"; "123456789.123456789e-5" ];
  let random = Random.State.make [| 7 |] in
  for _ = 1 to 5000 do
    let digits = String.init (1 + Random.State.int random 25) (fun _ -> Char.chr (48 + Random.State.int random 10)) in
    let sign = if Random.State.bool random then "-" else "" in
    check_rounding (Printf.sprintf "%s%s.%se%d" sign digits digits (Random.State.int random 80 - 60))
  done;
  (* halves between neighbours and what is next to them *)
  for _ = 1 to 1000 do
    let x = ldexp (Random.State.float random 1.0) (Random.State.int random 100 - 50) in
    let half = Q.div_2exp (Q.add (exact x) (exact (Float.succ x))) 1 in
    let nearest = Numbers.to_binary64 Numbers.Nearest half in
    claim "a half goes to the even neighbour" ((nearest = x || nearest = Float.succ x) && even64 nearest);
    claim "a half is rounded up to the upper neighbour" (Numbers.to_binary64 Numbers.Up half = Float.succ x);
    claim "a half is rounded down to the lower neighbour" (Numbers.to_binary64 Numbers.Down half = x)
  done;
  let huge = decimal "1e400" in
  claim "1e400 is rounded up to infinity" (Numbers.to_binary64 Numbers.Up huge = infinity);
  claim "1e400 is rounded down to the greatest double" (Numbers.to_binary64 Numbers.Down huge = max_float);
  claim "-1e400 is rounded up to the least finite double" (Numbers.to_binary64 Numbers.Up (Q.neg huge) = -.max_float);
  claim "half beyond the greatest binary32 rounds to infinity"
    (Numbers.to_binary32 Numbers.Nearest (Q.of_float 0x1.ffffffp127) = infinity);
  claim "less than half beyond the greatest binary32 does not"
    (Numbers.to_binary32 Numbers.Nearest (decimal "3.4028235677973365e38") = 0x1.fffffep127);
  List.iter (fun text -> claim (text ^ " is no decimal") (Numbers.decimal_of_string text = None))
    [ ""; "."; "-"; "1e"; "e5"; "1.2.3"; "0x10"; "1_000"; "inf"; "nan"; "1e+"; "--1"; "1 "; "1e99999999999999999999" ]

let varints () =
  let value bytes =
    let at = ref 0 in
    match Certificate.varint "test" bytes at with
    | v -> if !at = String.length bytes then Some v else None
    | exception Refusal.Rejected _ -> None
  in
  claim "0 is one byte" (value "\x00" = Some 0);
  claim "128 is two bytes" (value "\x80\x01" = Some 128);
  claim "a redundant byte is refused" (value "\x80\x00" = None);
  claim "an unfinished integer is refused" (value "\x80" = None);
  claim "nine bytes are read" (value "\xff\xff\xff\xff\xff\xff\xff\xff\x3f" = Some max_int);
  claim "what a native integer cannot hold is as good as the greatest" (value "\xff\xff\xff\xff\xff\xff\xff\xff\x7f" = Some max_int);
  claim "ten bytes are refused" (value "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" = None)

let sigmoid () =
  claim "sigma(0) is 1/2" (Sigmoid_table.t_low 0 = 0.5 && Sigmoid_table.t_high 0 = 0.5);
  for k = 1 to 1024 do
    let low = Sigmoid_table.t_low k and high = Sigmoid_table.t_high k in
    let x = float_of_int k /. 64.0 in
    claim (Printf.sprintf "the entries for %d are neighbours" k) (high = Float.succ low);
    claim (Printf.sprintf "the entries for %d are near sigma" k) (Float.abs (low -. 1.0 /. (1.0 +. exp (-.x))) < 0x1p-51)
  done

let () =
  sha256 ();
  rounding ();
  varints ();
  sigmoid ();
  if !failures > 0 then exit 1;
  print_endline "all tests passed"
