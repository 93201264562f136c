(* Data movement (spec/operators.md section 2): nodes that rename, reorder, repeat or join entries. No element is made,
   except for a constant operand of a Concat that also has an operand that is not constant. *)

open Lowering

(* Both kinds of operand as a shape and a way to build the result from source entries. *)
let reshaped t shape =
  match t with
  | Constant c -> Constant { c with shape }
  | View (_, elements) -> View (shape, elements)
  | Pending _ -> assert false

(* The result has [shape]; entry n is source entry [source.(n)]. *)
let gathered t shape source =
  match t with
  | View (_, elements) -> View (shape, Array.map (fun p -> elements.(p)) source)
  | Constant c ->
    let values : Onnx.values =
      match c.values with
      | Floats data ->
        let out = Bigarray.Array1.create Bigarray.float32 Bigarray.c_layout (Array.length source) in
        Array.iteri (fun n p -> Bigarray.Array1.set out n (Bigarray.Array1.get data p)) source;
        Floats out
      | Integers (code, v) -> Integers (code, Array.map (fun p -> v.(p)) source)
      | Booleans v -> Booleans (Array.map (fun p -> v.(p)) source)
      | Opaque code -> Opaque code
    in
    Constant { shape; values }
  | Pending _ -> assert false

let axis_of node rank axis =
  if axis < -rank || axis >= rank then refuse node "axis %d of rank %d" axis rank;
  if axis < 0 then axis + rank else axis

let distinct node axes =
  let seen = Hashtbl.create 8 in
  Array.iter (fun a ->
      if Hashtbl.mem seen a then refuse node "axis %d occurs twice" a;
      Hashtbl.add seen a ()) axes

let identity node operands =
  expect_operands node operands 1 1;
  operand node operands 0

let dropout node operands =
  expect_operands node operands 1 3;
  (match optional operands 2 with
   | None -> ()
   | Some (Constant { values = Booleans [| false |]; _ }) -> ()
   | Some (Constant { values = Booleans [| true |]; _ }) -> refuse node "training_mode is true, so the model is random"
   | Some _ -> refuse node "training_mode is not a constant false");
  operand node operands 0

let flatten node operands =
  expect_operands node operands 1 1;
  let t = operand node operands 0 in
  let shape = tensor_shape t in
  let rank = Array.length shape in
  let axis = int_attribute node "axis" 1 in
  if axis < -rank || axis > rank then refuse node "axis %d of rank %d" axis rank;
  let axis = if axis < 0 then axis + rank else axis in
  let product from upto = Array.fold_left ( * ) 1 (Array.sub shape from (upto - from)) in
  reshaped t [| product 0 axis; product axis rank |]

let reshape node operands =
  expect_operands node operands 2 2;
  let t = operand node operands 0 in
  let asked = integer_constant node "shape" (operand node operands 1) in
  let shape = tensor_shape t in
  let allow_zero = flag_attribute node "allowzero" in
  if Array.length asked > Onnx.max_rank then refuse node "rank %d" (Array.length asked);
  let inferred = ref (-1) in
  let result =
    Array.mapi (fun axis d ->
        if d = -1 then begin
          if !inferred >= 0 then refuse node "shape %s has two dimensions -1" (shape_text asked);
          inferred := axis;
          1
        end
        else if d < 0 then refuse node "shape %s has a negative dimension" (shape_text asked)
        else if d = 0 && not allow_zero then
          if axis < Array.length shape then shape.(axis)
          else refuse node "shape %s copies a dimension that %s has not" (shape_text asked) (shape_text shape)
        else d) asked
  in
  let total = count node shape and known = count node result in
  if !inferred >= 0 then begin
    if known = 0 || total mod known <> 0 then refuse node "%s does not reshape to %s" (shape_text shape) (shape_text asked);
    result.(!inferred) <- total / known
  end
  else if known <> total then refuse node "%s does not reshape to %s" (shape_text shape) (shape_text asked);
  reshaped t result

(* The axes of Squeeze and Unsqueeze: an attribute, or an operand that must be constant. *)
let axes_of node operands =
  expect_operands node operands 1 2;
  match ints_attribute node "axes", optional operands 1 with
  | Some _, Some _ -> refuse node "axes are given twice"
  | Some axes, None -> Some axes
  | None, Some t -> Some (integer_constant node "axes" t)
  | None, None -> None

let squeeze node operands =
  let t = operand node operands 0 in
  let shape = tensor_shape t in
  let rank = Array.length shape in
  let dropped = Array.make rank false in
  (match axes_of node operands with
   | None -> Array.iteri (fun axis d -> dropped.(axis) <- d = 1) shape
   | Some [||] -> refuse node "an empty list of axes"
   | Some axes ->
     let axes = Array.map (axis_of node rank) axes in
     distinct node axes;
     Array.iter (fun axis ->
         if shape.(axis) <> 1 then refuse node "axis %d of %s is not 1" axis (shape_text shape);
         dropped.(axis) <- true) axes);
  reshaped t (Array.of_list (List.filteri (fun axis _ -> not dropped.(axis)) (Array.to_list shape)))

let unsqueeze node operands =
  let t = operand node operands 0 in
  let shape = tensor_shape t in
  match axes_of node operands with
  | None | Some [||] -> refuse node "no axes"
  | Some axes ->
    let rank = Array.length shape + Array.length axes in
    if rank > Onnx.max_rank then refuse node "rank %d" rank;
    let axes = Array.map (axis_of node rank) axes in
    distinct node axes;
    let added = Array.make rank false in
    Array.iter (fun axis -> added.(axis) <- true) axes;
    let at = ref 0 in
    reshaped t (Array.init rank (fun axis -> if added.(axis) then 1 else begin incr at; shape.(!at - 1) end))

let transpose node operands =
  expect_operands node operands 1 1;
  let t = operand node operands 0 in
  let shape = tensor_shape t in
  let rank = Array.length shape in
  let perm = match ints_attribute node "perm" with Some p -> p | None -> Array.init rank (fun n -> rank - 1 - n) in
  if Array.length perm <> rank || Array.exists (fun p -> p < 0 || p >= rank) perm then
    refuse node "perm %s of rank %d" (shape_text perm) rank;
  distinct node perm;
  let from = strides shape in
  let result = Array.map (fun p -> shape.(p)) perm in
  gathered t result (offsets result (Array.map (fun p -> from.(p)) perm))

let concat state node (operands : tensor option array) =
  let n = Array.length operands in
  if n = 0 then refuse node "has no operands";
  let parts = Array.init n (fun p -> operand node operands p) in
  if find node "axis" = None then refuse node "attribute axis is missing";
  let shape = tensor_shape parts.(0) in
  let rank = Array.length shape in
  let axis = axis_of node rank (int_attribute node "axis" 0) in
  Array.iter (fun t ->
      let other = tensor_shape t in
      if Array.length other <> rank || not (Array.for_all Fun.id (Array.init rank (fun a -> a = axis || other.(a) = shape.(a))))
      then refuse node "shapes %s and %s do not join on axis %d" (shape_text shape) (shape_text other) axis) parts;
  let extent = Array.fold_left (fun sum t -> sum + (tensor_shape t).(axis)) 0 parts in
  let result = Array.mapi (fun a d -> if a = axis then extent else d) shape in
  let total = count node result in
  if total = 0 then refuse node "the result is empty";
  (* entry (outer, position on the axis, inner) comes from the part that covers the position *)
  let outer = Array.fold_left ( * ) 1 (Array.sub shape 0 axis) in
  let inner = Array.fold_left ( * ) 1 (Array.sub shape (axis + 1) (rank - axis - 1)) in
  let fill copy =
    let at = ref 0 in
    Array.iteri (fun p t ->
        let width = (tensor_shape t).(axis) * inner in
        for o = 0 to outer - 1 do
          for i = 0 to width - 1 do copy p (o * width + i) (o * extent * inner + !at + i) done
        done;
        at := !at + width) parts
  in
  let all_constant = Array.for_all (function Constant _ -> true | _ -> false) parts in
  if not all_constant then begin
    let views = Array.map (fun t -> snd (as_view state node "an operand" t)) parts in
    let out = Array.make total 0 in
    fill (fun p from into -> out.(into) <- views.(p).(from));
    View (result, out)
  end
  else begin
    let values = Array.map (function Constant c -> c.Onnx.values | _ -> assert false) parts in
    let mixed () = refuse node "operands have different or unsupported types" in
    let joined : Onnx.values =
      match values.(0) with
      | Floats _ ->
        let datas = Array.map (function Onnx.Floats d -> d | _ -> mixed ()) values in
        let out = Bigarray.Array1.create Bigarray.float32 Bigarray.c_layout total in
        fill (fun p from into -> Bigarray.Array1.set out into (Bigarray.Array1.get datas.(p) from));
        Floats out
      | Integers (code, _) ->
        let datas = Array.map (function Onnx.Integers (c, d) when c = code -> d | _ -> mixed ()) values in
        let out = Array.make total Z.zero in
        fill (fun p from into -> out.(into) <- datas.(p).(from));
        Integers (code, out)
      | Booleans _ ->
        let datas = Array.map (function Onnx.Booleans d -> d | _ -> mixed ()) values in
        let out = Array.make total false in
        fill (fun p from into -> out.(into) <- datas.(p).(from));
        Booleans out
      | Opaque code -> Array.iter (fun v -> if v <> Onnx.Opaque code then mixed ()) values; Opaque code
    in
    Constant { shape = result; values = joined }
  end

let largest_extent = 1 lsl 24     (* of an enlarged axis *)

(* Nearest neighbour with whole scales: entry o of an axis reads entry floor(o / scale). *)
let repeated node t scales =
  let shape = tensor_shape t in
  let rank = Array.length shape in
  if Array.length scales <> rank then refuse node "%d scales for rank %d" (Array.length scales) rank;
  let whole =
    Array.map (fun s ->
        if not (s >= 1.0 && s <= 65536.0 && Float.is_integer s) then refuse node "scale %h is not a whole number >= 1" s;
        int_of_float s) scales
  in
  let result = Array.mapi (fun axis d -> d * whole.(axis)) shape in
  Array.iteri (fun axis d ->
      if whole.(axis) > 1 && d > largest_extent then refuse node "axis %d is enlarged to %d" axis d) result;
  let total = count node result in
  let from = strides shape and into = strides result in
  let source = Array.init total (fun n ->
      let offset = ref 0 in
      for axis = 0 to rank - 1 do
        offset := !offset + n / into.(axis) mod result.(axis) / whole.(axis) * from.(axis)
      done;
      !offset) in
  gathered t result source

let scales_operand node t =
  let shape, data = float_constant node "scales" t in
  if Array.length shape <> 1 then refuse node "scales have rank %d" (Array.length shape);
  floats_of_bigarray data

let upsample node operands =
  expect_operands node operands 1 2;
  if string_attribute node "mode" "nearest" <> "nearest" then refuse node "mode is not nearest";
  let scales =
    match find node "scales", optional operands 1 with
    | Some a, None -> typed node "scales" Onnx.attribute_floats a; a.fs
    | None, Some t -> scales_operand node t
    | _ -> refuse node "scales are not given once"
  in
  repeated node (operand node operands 0) scales

let resize node operands =
  expect_operands node operands 3 4;
  if string_attribute node "mode" "nearest" <> "nearest" then refuse node "mode is not nearest";
  if string_attribute node "coordinate_transformation_mode" "half_pixel" <> "asymmetric" then
    refuse node "coordinate_transformation_mode is not asymmetric";
  if string_attribute node "nearest_mode" "round_prefer_floor" <> "floor" then refuse node "nearest_mode is not floor";
  if optional operands 3 <> None then refuse node "sizes instead of scales";
  repeated node (operand node operands 0) (scales_operand node (operand node operands 2))

let constant (node : Onnx.node) operands =
  expect_operands node operands 0 0;
  match node.attributes with
  | [ { name = "value"; kind; t = Some t; _ } ] when kind = Onnx.attribute_tensor -> Constant t
  | _ -> refuse node "not exactly the attribute value"

let float32_code = 1

let cast node operands =
  expect_operands node operands 1 1;
  if find node "to" = None then refuse node "attribute to is missing";
  if int_attribute node "to" 0 <> float32_code then refuse node "target type %d is not float32" (int_attribute node "to" 0);
  match operand node operands 0 with
  | View _ as t -> t
  | Constant { values = Floats _; _ } as t -> t
  | Constant { shape; values = Integers (_, values) } ->
    let data = Bigarray.Array1.create Bigarray.float32 Bigarray.c_layout (Array.length values) in
    Array.iteri (fun n z ->
        let rounded = Numbers.to_binary32 Numbers.Nearest (Q.of_bigint z) in
        if Z.gt (Z.abs z) (Z.shift_left Z.one 62) then refuse node "value %s is too large for a cast" (Z.to_string z);
        if not (Z.equal (Z.of_float rounded) z) then refuse node "value %s is no float32 number" (Z.to_string z);
        Bigarray.Array1.set data n rounded) values;
    Constant { shape; values = Floats data }
  | _ -> refuse node "source type"
