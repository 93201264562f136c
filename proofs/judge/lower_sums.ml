(* Sum nodes and sum clusters (spec/operators.md section 3). A sum node makes rows; they become an affine operator at
   once, or wait as a pending tensor for the one Add or Sub that takes them over. *)

open Lowering

let max_constants = 4
let max_roundings = 1 lsl 23

(* A builder of rows: the caller adds the terms of a row and closes it. *)
type builder = { starts : Grow.ints; e : Grow.ints; w : Grow.floats; counts : Grow.ints; mutable n : int }

let builder () =
  let starts = Grow.ints () in
  Grow.push_int starts 0;
  { starts; e = Grow.ints (); w = Grow.floats (); counts = Grow.ints (); n = 0 }

(* A product; one of weight zero is dropped. *)
let add_product b element (weight : float) =
  if weight <> 0.0 then begin
    Grow.push_int b.e element;
    Grow.push_float b.w weight;
    b.n <- b.n + 1
  end

let add_addend b element (weight : float) =
  Grow.push_int b.e element;
  Grow.push_float b.w weight

let close_row b =
  Grow.push_int b.starts b.e.ni;
  Grow.push_int b.counts b.n;
  b.n <- 0

let finish node b shape addends constants =
  if List.length constants > max_constants then refuse node "a row sums more than %d constants" max_constants;
  if b.e.ni > max_program_terms then refuse node "more than %d terms" max_program_terms;
  { shape; start = Grow.int_array b.starts; element = Grow.int_array b.e; weight = Grow.float_array b.w;
    products = Grow.int_array b.counts; addends; constants }

(* Turns rows into an affine operator. [scaled] is the factor F of a scaled Gemm. *)
let emit_rows state node (rows : rows) scaled =
  let count = Array.length rows.products in
  let r = List.length rows.constants in
  let extra, factor = match scaled with None -> 0, 1.0 | Some f -> 2, f in
  let sum value =
    match rows.constants with
    | [] -> Array.make count 0.0
    | first :: rest ->
      let total = Array.map value first in
      List.iter (Array.iteri (fun i c -> total.(i) <- total.(i) +. value c)) rest;
      total
  in
  let leaves i = rows.products.(i) + rows.addends + r in
  let k = Array.init count (fun i -> leaves i + 1 + extra) in
  Array.iteri (fun i k -> if k > max_roundings then refuse node "row %d has %d roundings, above %d" i k max_roundings) k;
  let first =
    emit state (place node)
      (Types.Affine {
          start = rows.start; element = rows.element; weight = rows.weight;
          constants = rows.constants; bias = sum Fun.id; magnitude = sum Float.abs; k;
          c0 = Array.init count (fun i -> float_of_int (2 * leaves i + 1 + extra));
          factor; rho = 0.0 })
  in
  View (rows.shape, consecutive first count)

(* ---- Add, Sub ---- *)

let add_or_sub node operands =
  expect_operands node operands 2 2;
  let sides = [ operand node operands 0, 1.0; operand node operands 1, (if node.op = "Sub" then -1.0 else 1.0) ] in
  let a = tensor_shape (fst (List.nth sides 0)) and b = tensor_shape (fst (List.nth sides 1)) in
  let shape = broadcast_shape node a b in
  let rank = Array.length shape in
  let total = count node shape in
  let reads = List.map (fun (t, sign) -> t, sign, offsets shape (broadcast_strides (tensor_shape t) rank)) sides in
  let out = builder () in
  for entry = 0 to total - 1 do
    List.iter (fun (t, sign, source) ->
        let p = source.(entry) in
        match t with
        | View (_, elements) -> add_addend out elements.(p) sign
        | Constant _ -> ()
        | Pending rows ->
          for n = rows.start.(p) to rows.start.(p + 1) - 1 do
            add_addend out rows.element.(n) (sign *. rows.weight.(n))
          done;
          out.n <- out.n + rows.products.(p)) reads;
    close_row out
  done;
  let addends =
    List.fold_left (fun sum (t, _, _) -> sum + (match t with View _ -> 1 | Constant _ -> 0 | Pending r -> r.addends)) 0 reads
  in
  let constants =
    List.concat_map (fun (t, sign, source) ->
        match t with
        | View _ -> []
        | Constant _ ->
          let _, data = float_constant node "an operand" t in
          [ Array.map (fun p -> sign *. Bigarray.Array1.get data p) source ]
        | Pending rows -> List.map (fun c -> Array.map (fun p -> sign *. c.(p)) source) rows.constants) reads
  in
  finish node out shape addends constants

(* ---- MatMul ---- *)

let matmul state node operands =
  expect_operands node operands 2 2;
  let a = operand node operands 0 and b = operand node operands 1 in
  let shape_a = tensor_shape a and shape_b = tensor_shape b in
  if shape_a = [||] || shape_b = [||] then refuse node "an operand has rank 0";
  (* a vector on the left is a row, on the right a column; the added axis is removed from the result *)
  let left = if Array.length shape_a = 1 then [| 1; shape_a.(0) |] else shape_a in
  let right = if Array.length shape_b = 1 then [| shape_b.(0); 1 |] else shape_b in
  let rank_a = Array.length left and rank_b = Array.length right in
  let m = left.(rank_a - 2) and inner = left.(rank_a - 1) and n = right.(rank_b - 1) in
  if right.(rank_b - 2) <> inner then refuse node "shapes %s and %s do not multiply" (shape_text shape_a) (shape_text shape_b);
  let batch_a = Array.sub left 0 (rank_a - 2) and batch_b = Array.sub right 0 (rank_b - 2) in
  let batch = broadcast_shape node batch_a batch_b in
  let rank = Array.length batch in
  let at_a = offsets batch (broadcast_strides batch_a rank) and at_b = offsets batch (broadcast_strides batch_b rank) in
  let unless_vector operand extent = if Array.length operand = 1 then [||] else [| extent |] in
  let shape = Array.concat [ batch; unless_vector shape_a m; unless_vector shape_b n ] in
  work state node (count node (Array.append batch [| m; n |])) inner;
  let out = builder () in
  let rows product =
    for t = 0 to Array.length at_a - 1 do
      let base_a = at_a.(t) * m * inner and base_b = at_b.(t) * inner * n in
      for i = 0 to m - 1 do
        for j = 0 to n - 1 do
          for k = 0 to inner - 1 do product (base_a + i * inner + k) (base_b + k * n + j) done;
          close_row out
        done
      done
    done
  in
  (match a, b with
   | View (_, elements), Constant _ ->
     let _, data = float_constant node "the second operand" b in
     rows (fun p q -> add_product out elements.(p) (Bigarray.Array1.get data q))
   | Constant _, View (_, elements) ->
     let _, data = float_constant node "the first operand" a in
     rows (fun p q -> add_product out elements.(q) (Bigarray.Array1.get data p))
   | View _, View _ -> not_proved node "product"
   | _ -> refuse node "not exactly one operand is constant");
  finish node out shape 0 []

(* ---- Gemm ---- *)

let largest_weight = ldexp 1.0 127

(* Returns the rows and, for a scaled Gemm, its factor F. *)
let gemm state node operands =
  expect_operands node operands 2 3;
  let a = operand node operands 0 and b = operand node operands 1 and c = optional operands 2 in
  let alpha = float_attribute node "alpha" 1.0 and beta = float_attribute node "beta" 1.0 in
  let ta = flag_attribute node "transA" and tb = flag_attribute node "transB" in
  let shape_a = tensor_shape a and shape_b = tensor_shape b in
  if Array.length shape_a <> 2 || Array.length shape_b <> 2 then
    refuse node "operands of shape %s and %s are not matrices" (shape_text shape_a) (shape_text shape_b);
  let m = shape_a.(if ta then 1 else 0) and inner = shape_a.(if ta then 0 else 1) in
  let n = shape_b.(if tb then 0 else 1) in
  if shape_b.(if tb then 1 else 0) <> inner then
    refuse node "shapes %s and %s do not multiply" (shape_text shape_a) (shape_text shape_b);
  let scaled = not (alpha = 1.0 && (beta = 1.0 || c = None)) in
  let usable x = Onnx.float_finite x && x <> 0.0 in
  if scaled && not (usable alpha && (c = None || usable beta)) then refuse node "alpha %h, beta %h" alpha beta;
  let within w = if scaled && Float.abs w >= largest_weight then refuse node "scaled weight %h is too large" w else w in
  let beta_or_1 = if c = None then 1.0 else beta in
  (* exact: the product of two binary32 numbers is a binary64 number *)
  let by scale x = if scaled then within (scale *. x) else x in
  let shape = [| m; n |] in
  work state node (count node shape) inner;
  let source =
    match c with
    | None -> [||]
    | Some t ->
      let own = tensor_shape t in
      if Array.length own > 2 || broadcast_shape node own shape <> shape then
        refuse node "the addend %s does not broadcast to %s" (shape_text own) (shape_text shape);
      offsets shape (broadcast_strides own 2)
  in
  let out = builder () in
  let tail, addends, constants =
    match c with
    | None -> ignore, 0, []
    | Some (View (_, elements)) when scaled -> (fun entry -> add_product out elements.(source.(entry)) (within beta)), 0, []
    | Some (View (_, elements)) -> (fun entry -> add_addend out elements.(source.(entry)) 1.0), 1, []
    | Some t ->
      let _, data = float_constant node "the addend" t in
      ignore, 0, [ Array.map (fun p -> by beta_or_1 (Bigarray.Array1.get data p)) source ]
  in
  let rows product =
    for i = 0 to m - 1 do
      for j = 0 to n - 1 do
        for k = 0 to inner - 1 do
          product (if ta then k * m + i else i * inner + k) (if tb then j * inner + k else k * n + j)
        done;
        tail (i * n + j);
        close_row out
      done
    done
  in
  (match a, b with
   | View (_, elements), Constant _ ->
     let _, data = float_constant node "the second operand" b in
     rows (fun p q -> add_product out elements.(p) (by alpha (Bigarray.Array1.get data q)))
   | Constant _, View (_, elements) ->
     let _, data = float_constant node "the first operand" a in
     rows (fun p q -> add_product out elements.(q) (by alpha (Bigarray.Array1.get data p)))
   | _ -> refuse node "not exactly one of the factors is constant");
  let factor =
    if not scaled then None
    else begin
      let x = Float.abs alpha and y = Float.abs beta_or_1 in
      let larger a b : float = if a < b then b else a and smaller a b : float = if b < a then b else a in
      Some (larger (larger 1.0 x) y /. smaller (smaller 1.0 x) y)
    end
  in
  finish node out shape addends constants, factor

(* ---- Conv, ConvTranspose ---- *)

(* What the window attributes say for two spatial axes; also used by MaxPool. *)
type window = { kernel : int array; stride : int array; dilation : int array; before : int array; after : int array }

let largest_window = 65536       (* of every number of a window, so that their products stay small *)

let window_attributes node kernel =
  let outside least v = Array.exists (fun x -> x < least || x > largest_window) v in
  let pair name least default =
    match ints_attribute node name with
    | None -> [| default; default |]
    | Some v ->
      if Array.length v <> 2 || outside least v then refuse node "%s is %s" name (shape_text v);
      v
  in
  (match ints_attribute node "kernel_shape" with
   | Some k when k <> kernel -> refuse node "kernel_shape %s, kernel %s" (shape_text k) (shape_text kernel)
   | _ -> ());
  if outside 1 kernel then refuse node "kernel %s" (shape_text kernel);
  let pads =
    match ints_attribute node "pads" with
    | None -> [| 0; 0; 0; 0 |]
    | Some p ->
      if Array.length p <> 4 || outside 0 p then refuse node "pads %s" (shape_text p);
      p
  in
  (match string_attribute node "auto_pad" "NOTSET" with
   | "NOTSET" -> ()
   | "VALID" -> if Array.exists (fun x -> x <> 0) pads then refuse node "auto_pad VALID with pads %s" (shape_text pads)
   | other -> refuse node "auto_pad %s" (Refusal.shown other));
  { kernel; stride = pair "strides" 1 1; dilation = pair "dilations" 1 1;
    before = [| pads.(0); pads.(1) |]; after = [| pads.(2); pads.(3) |] }

let reach w axis = (w.kernel.(axis) - 1) * w.dilation.(axis) + 1

let image node operands =
  let shape, elements = strict_view node "the image" (operand node operands 0) in
  if Array.length shape <> 4 then refuse node "image of shape %s, only rank 4 has a certified meaning" (shape_text shape);
  shape, elements

let kernel_of node operands =
  let shape, data = float_constant node "the kernel" (operand node operands 1) in
  if Array.length shape <> 4 then refuse node "kernel of shape %s" (shape_text shape);
  shape, data

(* The bias repeated over the output [batch, channels, h, w], or no constant. *)
let bias_column node operands (shape : int array) =
  match optional operands 2 with
  | None -> []
  | Some t ->
    let own, data = float_constant node "the bias" t in
    if own <> [| shape.(1) |] then refuse node "bias of shape %s for %d channels" (shape_text own) shape.(1);
    let area = shape.(2) * shape.(3) in
    [ Array.init (count node shape) (fun entry -> Bigarray.Array1.get data (entry / area mod shape.(1))) ]

let conv state node operands =
  expect_operands node operands 2 3;
  let shape, elements = image node operands and kernel_shape, data = kernel_of node operands in
  let group = int_attribute node "group" 1 in
  let w = window_attributes node [| kernel_shape.(2); kernel_shape.(3) |] in
  let channels = kernel_shape.(0) and inner = kernel_shape.(1) in
  if group < 1 || channels < 1 || channels mod group <> 0 || inner * group <> shape.(1) then
    refuse node "kernel %s with group %d on an image %s" (shape_text kernel_shape) group (shape_text shape);
  let extent axis =
    let room = shape.(axis + 2) + w.before.(axis) + w.after.(axis) - reach w axis in
    if room < 0 then refuse node "the kernel does not fit into the image %s" (shape_text shape);
    room / w.stride.(axis) + 1
  in
  let result = [| shape.(0); channels; extent 0; extent 1 |] in
  let area = Onnx.element_count (place node) w.kernel in
  work state node (count node result) (area * max 1 inner);
  let out = builder () in
  let kh = w.kernel.(0) and kw = w.kernel.(1) in
  for sample = 0 to shape.(0) - 1 do
    for oc = 0 to channels - 1 do
      let first_channel = oc / (channels / group) * inner in
      for oh = 0 to result.(2) - 1 do
        for ow = 0 to result.(3) - 1 do
          for ic = 0 to inner - 1 do
            for r = 0 to kh - 1 do
              let ih = oh * w.stride.(0) - w.before.(0) + r * w.dilation.(0) in
              if ih >= 0 && ih < shape.(2) then
                for c = 0 to kw - 1 do
                  let iw = ow * w.stride.(1) - w.before.(1) + c * w.dilation.(1) in
                  if iw >= 0 && iw < shape.(3) then
                    add_product out
                      elements.(((sample * shape.(1) + first_channel + ic) * shape.(2) + ih) * shape.(3) + iw)
                      (Bigarray.Array1.get data (((oc * inner + ic) * kh + r) * kw + c))
                done
            done
          done;
          close_row out
        done
      done
    done
  done;
  finish node out result 0 (bias_column node operands result)

let conv_transpose state node operands =
  expect_operands node operands 2 3;
  let shape, elements = image node operands and kernel_shape, data = kernel_of node operands in
  if int_attribute node "group" 1 <> 1 then refuse node "group %d" (int_attribute node "group" 1);
  if find node "output_shape" <> None then refuse node "output_shape";
  let w = window_attributes node [| kernel_shape.(2); kernel_shape.(3) |] in
  let channels = kernel_shape.(1) in
  if kernel_shape.(0) <> shape.(1) || channels < 1 then
    refuse node "kernel %s on an image %s" (shape_text kernel_shape) (shape_text shape);
  let extra =
    match ints_attribute node "output_padding" with
    | None -> [| 0; 0 |]
    | Some p -> if Array.length p <> 2 || Array.exists (fun x -> x < 0) p then refuse node "output_padding %s" (shape_text p); p
  in
  (* padding of a stride or more would be rows that no kernel position reaches *)
  Array.iteri (fun axis p ->
      if p >= max w.stride.(axis) w.dilation.(axis) then refuse node "output_padding %s" (shape_text extra)) extra;
  let extent axis =
    let size = (shape.(axis + 2) - 1) * w.stride.(axis) + reach w axis + extra.(axis) - w.before.(axis) - w.after.(axis) in
    if size < 1 then refuse node "output extent %d" size;
    size
  in
  let result = [| shape.(0); channels; extent 0; extent 1 |] in
  let area = Onnx.element_count (place node) w.kernel in
  work state node (count node result) (area * shape.(1));
  let out = builder () in
  let kh = w.kernel.(0) and kw = w.kernel.(1) in
  (* the input position that kernel position [at] maps to output position [o], or -1 *)
  let source axis o at =
    let scaled = o + w.before.(axis) - at * w.dilation.(axis) in
    if scaled < 0 || scaled mod w.stride.(axis) <> 0 then -1
    else
      let i = scaled / w.stride.(axis) in
      if i < shape.(axis + 2) then i else -1
  in
  for sample = 0 to shape.(0) - 1 do
    for oc = 0 to channels - 1 do
      for oh = 0 to result.(2) - 1 do
        for ow = 0 to result.(3) - 1 do
          for ic = 0 to shape.(1) - 1 do
            for r = 0 to kh - 1 do
              let ih = source 0 oh r in
              if ih >= 0 then
                for c = 0 to kw - 1 do
                  let iw = source 1 ow c in
                  if iw >= 0 then
                    add_product out
                      elements.(((sample * shape.(1) + ic) * shape.(2) + ih) * shape.(3) + iw)
                      (Bigarray.Array1.get data (((ic * channels + oc) * kh + r) * kw + c))
                done
            done
          done;
          close_row out
        done
      done
    done
  done;
  finish node out result 0 (bias_column node operands result)
