(* Exact decimals and their rounding to binary64 and binary32, on integers only.

   A decimal is an exact rational (Zarith). Rounding computes the integer quotient at the position of the last bit of
   the format and decides from the remainder, so no double arithmetic takes part in it. *)

type direction = Nearest | Up | Down

(* A literal is refused above these sizes: exact arithmetic on it would cost more than any honest file needs. *)
let max_literal = 2_000
let max_exponent = 2_000

(* sign? (digits ('.' digits?)? | '.' digits) ([eE] sign? digits)? ; None for anything else *)
let decimal_of_string text =
  let n = String.length text in
  if n = 0 || n > max_literal then None
  else begin
    let p = ref 0 in
    let peek () = if !p < n then text.[!p] else '\000' in
    let is_digit c = c >= '0' && c <= '9' in
    let negative = peek () = '-' in
    if peek () = '-' || peek () = '+' then incr p;
    let digits = Buffer.create 32 in
    let read_digits () =
      let begun = !p in
      while is_digit (peek ()) do Buffer.add_char digits (peek ()); incr p done;
      !p - begun
    in
    let before = read_digits () in
    let after = if peek () = '.' then (incr p; read_digits ()) else 0 in
    if before + after = 0 then None
    else begin
      let exponent =
        if peek () = 'e' || peek () = 'E' then begin
          incr p;
          let minus = peek () = '-' in
          if peek () = '-' || peek () = '+' then incr p;
          let begun = !p in
          let value = ref 0 in
          while is_digit (peek ()) do
            value := min (!value * 10 + Char.code (peek ()) - 48) 1_000_000_000;
            incr p
          done;
          if !p = begun then None else Some (if minus then - !value else !value)
        end
        else Some 0
      in
      match exponent with
      | Some e when !p = n && abs e <= max_exponent ->
        let mantissa = Z.of_string (Buffer.contents digits) in
        let mantissa = if negative then Z.neg mantissa else mantissa in
        let scale = e - after in
        let power = Z.pow (Z.of_int 10) (abs scale) in
        Some (if scale >= 0 then Q.of_bigint (Z.mul mantissa power) else Q.make mantissa power)
      | _ -> None
    end
  end

(* Rounds q > 0 to a format with [precision] bits, least exponent of a last bit [least] and values below 2^[above].
   The result is exact as a double for both formats used here. *)
let round_positive ~precision ~least ~above direction q =
  let numerator = Q.num q and denominator = Q.den q in
  (* 2^(e-1) < q < 2^(e+1), so e or e - 1 is the position of the leading bit *)
  let e = Z.numbits numerator - Z.numbits denominator in
  let at_least_power x =
    if x >= 0 then Z.geq numerator (Z.shift_left denominator x)
    else Z.geq (Z.shift_left numerator (-x)) denominator
  in
  let leading = if at_least_power e then e else e - 1 in
  let last = max (leading - precision + 1) least in
  let top, bottom =
    if last >= 0 then numerator, Z.shift_left denominator last else Z.shift_left numerator (-last), denominator
  in
  let quotient, remainder = Z.div_rem top bottom in
  let raised =
    match direction with
    | Down -> false
    | Up -> Z.sign remainder > 0
    | Nearest ->
      let c = Z.compare (Z.shift_left remainder 1) bottom in
      c > 0 || (c = 0 && Z.is_odd quotient)
  in
  let m = Z.to_int quotient + if raised then 1 else 0 in
  let leading_now = (if m >= 1 lsl precision then precision else precision - 1) + last in
  if leading_now >= above && m >= 1 lsl (precision - 1) then
    if direction = Down then ldexp (float_of_int ((1 lsl precision) - 1)) (above - precision) else infinity
  else ldexp (float_of_int m) last

let round ~precision ~least ~above direction q =
  let sign = Q.sign q in
  if sign = 0 then 0.0
  else if sign > 0 then round_positive ~precision ~least ~above direction q
  else
    let mirrored = match direction with Up -> Down | Down -> Up | Nearest -> Nearest in
    -. round_positive ~precision ~least ~above mirrored (Q.neg q)

let to_binary64 direction q = round ~precision:53 ~least:(-1074) ~above:1024 direction q
let to_binary32 direction q = round ~precision:24 ~least:(-149) ~above:128 direction q
