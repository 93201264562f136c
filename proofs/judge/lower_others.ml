(* BatchNormalization, the unary operators, MaxPool and Softmax (spec/operators.md section 4). *)

open Lowering

let two p = ldexp 1.0 p

let batch_normalization state node operands =
  expect_operands node operands 5 5;
  if int_attribute node "training_mode" 0 <> 0 then refuse node "training_mode is not 0";
  if int_attribute node "spatial" 1 <> 1 then refuse node "spatial is not 1";
  let shape, elements = strict_view node "the image" (operand node operands 0) in
  if Array.length shape < 2 then refuse node "operand of shape %s" (shape_text shape);
  let channels = shape.(1) in
  let vector what position =
    let own, data = float_constant node what (operand node operands position) in
    if own <> [| channels |] then refuse node "%s of shape %s for %d channels" what (shape_text own) channels;
    floats_of_bigarray data
  in
  let scale = vector "scale" 1 and shift = vector "B" 2 and mean = vector "mean" 3 and variance = vector "variance" 4 in
  let epsilon = float_attribute node "epsilon" (binary32 1e-5) in
  let weight = Array.make channels 0.0 and bias = Array.make channels 0.0 and magnitude = Array.make channels 0.0 in
  let c0 = Array.make channels 0.0 in
  for c = 0 to channels - 1 do
    let s = scale.(c) and mu = mean.(c) and v = variance.(c) +. epsilon in
    if not (v >= two (-60) && v <= two 60) then refuse node "channel %d: variance + epsilon is %h" c v;
    if not (Float.abs mu <= two 60) then refuse node "channel %d: mean is %h" c mu;
    if not (s = 0.0 || (Float.abs s >= two (-126) && Float.abs s <= two 60)) then refuse node "channel %d: scale is %h" c s;
    let w = s /. sqrt v in
    weight.(c) <- w;
    bias.(c) <- shift.(c) -. w *. mu;
    magnitude.(c) <- (Float.abs w *. Float.abs mu +. Float.abs shift.(c)) *. (1.0 +. two (-48));
    c0.(c) <- 8.0 +. 4.0 *. Float.abs mu +. 4.0 *. Float.abs s
  done;
  let total = count node shape in
  let area = Array.fold_left ( * ) 1 (Array.sub shape 2 (Array.length shape - 2)) in
  let channel entry = entry / area mod channels in
  let out = Lower_sums.builder () in
  for entry = 0 to total - 1 do
    Lower_sums.add_product out elements.(entry) weight.(channel entry);
    Lower_sums.close_row out
  done;
  let rows = Lower_sums.finish node out shape 0 [] in
  let per_entry values = Array.init total (fun entry -> values.(channel entry)) in
  let biases = per_entry bias in
  let first =
    emit state (place node)
      (Types.Affine {
          start = rows.start; element = rows.element; weight = rows.weight;
          constants = [ biases ]; bias = biases; magnitude = per_entry magnitude; k = Array.make total 12; c0 = per_entry c0;
          factor = 4.0; rho = two (-48) })
  in
  View (shape, consecutive first total)

let unary state node operands kind alpha =
  expect_operands node operands 1 1;
  let shape, sources = strict_view node "the operand" (operand node operands 0) in
  let first = emit state (place node) (Types.Unary (kind, alpha, sources)) in
  View (shape, consecutive first (Array.length sources))

let leaky_relu state node operands =
  let alpha = float_attribute node "alpha" (binary32 0.01) in
  if not (alpha = 0.0 || (alpha >= two (-126) && alpha <= 1.0)) then refuse node "alpha is %h" alpha;
  unary state node operands Types.Leaky_relu alpha

let max_pool state node operands =
  expect_operands node operands 1 1;
  let shape, elements = Lower_sums.image node operands in
  let kernel =
    match ints_attribute node "kernel_shape" with
    | Some k when Array.length k = 2 -> k
    | _ -> refuse node "kernel_shape does not hold two numbers"
  in
  let w = Lower_sums.window_attributes node kernel in
  if flag_attribute node "storage_order" then refuse node "storage_order is not 0";
  let ceil_mode = flag_attribute node "ceil_mode" in
  if ceil_mode && string_attribute node "auto_pad" "NOTSET" <> "NOTSET" then refuse node "ceil_mode together with auto_pad";
  let extent axis =
    let size = shape.(axis + 2) and stride = w.stride.(axis) in
    let room = size + w.before.(axis) + w.after.(axis) - Lower_sums.reach w axis in
    if room < 0 then refuse node "the window does not fit into the image %s" (shape_text shape);
    if not ceil_mode then room / stride + 1
    else begin
      let out = (room + stride - 1) / stride + 1 in
      if (out - 1) * stride < size + w.before.(axis) then out else out - 1
    end
  in
  let result = [| shape.(0); shape.(1); extent 0; extent 1 |] in
  let total = count node result in
  work state node total (Onnx.element_count (place node) kernel);
  let start = Grow.ints () and sources = Grow.ints () in
  Grow.push_int start 0;
  for plane = 0 to shape.(0) * shape.(1) - 1 do
    for oh = 0 to result.(2) - 1 do
      for ow = 0 to result.(3) - 1 do
        let begun = sources.ni in
        for r = 0 to kernel.(0) - 1 do
          let ih = oh * w.stride.(0) - w.before.(0) + r * w.dilation.(0) in
          if ih >= 0 && ih < shape.(2) then
            for c = 0 to kernel.(1) - 1 do
              let iw = ow * w.stride.(1) - w.before.(1) + c * w.dilation.(1) in
              if iw >= 0 && iw < shape.(3) then
                Grow.push_int sources elements.((plane * shape.(2) + ih) * shape.(3) + iw)
            done
        done;
        if sources.ni = begun then refuse node "window (%d,%d) lies in the padding" oh ow;
        if sources.ni > max_program_terms then refuse node "more than %d terms" max_program_terms;
        Grow.push_int start sources.ni
      done
    done
  done;
  let first = emit state (place node) (Types.Maxpool (Grow.int_array start, Grow.int_array sources)) in
  View (result, consecutive first total)

let most_in_group = 1 lsl 20

(* Before operator set 13 a group holds all entries from the axis on, since then those along the axis. *)
let softmax state node operands =
  expect_operands node operands 1 1;
  let shape, sources = strict_view node "the operand" (operand node operands 0) in
  let rank = Array.length shape in
  let along = Int64.compare state.opset 13L >= 0 in
  let axis = Lower_movement.axis_of node rank (int_attribute node "axis" (if along then -1 else 1)) in
  let product from upto = Array.fold_left ( * ) 1 (Array.sub shape from (upto - from)) in
  let last = if along then axis + 1 else rank in
  let outer = product 0 axis and size = product axis last and inner = product last rank in
  if size > most_in_group then refuse node "groups of %d entries" size;
  (* entry (o, i, j) of outer, size, inner is element i of group (o, j) *)
  let entry n = let group = n / size in (group / inner * size + n mod size) * inner + group mod inner in
  let total = Array.length sources in
  let start = Array.init (outer * inner + 1) (fun g -> g * size) in
  let first = emit state (place node) (Types.Softmax (start, Array.init total (fun n -> sources.(entry n)))) in
  let elements = Array.make total 0 in
  for n = 0 to total - 1 do elements.(entry n) <- first + n done;
  View (shape, elements)
