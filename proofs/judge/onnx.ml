(* The subset of ModelProto (onnx.proto) that spec/operators.md gives a meaning to: graph, nodes, attributes,
   initialisers, inputs, outputs, operator sets. What is outside the subset is refused here when it could change the
   meaning (external data, functions, sparse tensors), and skipped when it is only documentation. *)

open Refusal

type floats = (float, Bigarray.float32_elt, Bigarray.c_layout) Bigarray.Array1.t

type values =
  | Floats of floats            (* float32; whether they are finite is asked where they are used as numbers *)
  | Integers of int * Z.t array (* the code of the type, the values *)
  | Booleans of bool array
  | Opaque of int               (* float16 or double (its code): can be moved, and is refused where values are needed *)

type tensor = { shape : int array; values : values }

type attribute = {
  name : string;
  kind : int;                   (* AttributeProto.AttributeType *)
  f : float;
  i : int64;
  s : string;
  t : tensor option;
  fs : float array;
  is : int64 array;
}

type node = {
  index : int;                  (* position in the file *)
  label : string;               (* name of the node, may be empty *)
  op : string;
  domain : string;
  inputs : string array;        (* "" for an absent optional operand *)
  outputs : string array;
  attributes : attribute list;
}

type graph = {
  opset : int64;                (* version of the default operator set *)
  nodes : node array;
  initialisers : (string * tensor) list;           (* in file order *)
  inputs : (string * int array) list;              (* those that are not initialisers, in file order, float32 *)
  outputs : string list;
}

let max_rank = 16
let max_elements = 1 lsl 28     (* of one tensor *)
let float16 = 10 and double = 11
let max_items = 1 lsl 20        (* nodes, names, attributes *)

let attribute_float = 1 and attribute_int = 2 and attribute_string = 3 and attribute_tensor = 4
let attribute_floats = 6 and attribute_ints = 7

let element_count what shape =
  Array.fold_left (fun n d ->
      if d > 0 && n > max_elements / d then malformed "%s has more than %d elements" what max_elements;
      n * d) 1 shape

(* Least and greatest value and the width in bytes of the integer types. *)
let integer_type = function
  | 2 -> Some (1, false) | 3 -> Some (1, true) | 4 -> Some (2, false) | 5 -> Some (2, true)
  | 6 -> Some (4, true) | 7 -> Some (8, true) | 12 -> Some (4, false) | 13 -> Some (8, false)
  | _ -> None

let raw_integer raw at width signed =
  match width, signed with
  | 1, false -> Z.of_int (Char.code raw.[at])
  | 1, _ -> Z.of_int (String.get_int8 raw at)
  | 2, false -> Z.of_int (String.get_uint16_le raw at)
  | 2, _ -> Z.of_int (String.get_int16_le raw at)
  | 4, true -> Z.of_int32 (String.get_int32_le raw at)
  | 4, _ -> Z.logand (Z.of_int32 (String.get_int32_le raw at)) (Z.of_string "0xFFFFFFFF")
  | _, true -> Z.of_int64 (String.get_int64_le raw at)
  | _ -> Z.extract (Z.of_int64 (String.get_int64_le raw at)) 0 64

let float_finite x = x -. x = 0.0

(* A code of an enumeration; what is out of range must not wrap round to one that is in it. *)
let code what value =
  let v = Wire.as_varint what value in
  if Int64.compare v 0L < 0 || Int64.compare v 1000L > 0 then malformed "onnx: %s is %Lu" what v;
  Int64.to_int v

let tensor (slice : Wire.slice) =
  let dims = ref [] and rank = ref 0 and type_code = ref 0 and name = ref "" in
  let raw = ref None and typed_floats = ref [] and ints32 = ref [] and ints64 = ref [] and uints64 = ref [] in
  let doubles = ref 0 and has_doubles = ref false in
  let fs = Grow.floats () in
  Wire.iter (fun number value ->
      match number with
      | 1 -> Wire.each_varint "dims" (fun d -> incr rank; if !rank <= max_rank then dims := d :: !dims) value
      | 2 -> type_code := code "data_type" value
      | 3 -> malformed "onnx: a tensor is cut into segments, which has no certified meaning"
      | 4 -> typed_floats := value :: !typed_floats
      | 5 -> ints32 := value :: !ints32
      | 6 -> malformed "onnx: a tensor of strings has no certified meaning"
      | 10 ->
        has_doubles := true;
        doubles := !doubles + (match value with Wire.Fixed64 _ -> 8 | v -> Wire.length (Wire.as_bytes "double_data" v))
      | 7 -> ints64 := value :: !ints64
      | 11 -> uints64 := value :: !uints64
      | 8 -> name := Wire.as_string "name" value
      | 9 ->
        if !raw <> None then malformed "onnx: tensor has raw_data twice";
        raw := Some (Wire.as_bytes "raw_data" value)
      | 13 -> malformed "onnx: a tensor keeps its data in another file, which has no certified meaning"
      | 14 ->
        if Wire.as_varint "data_location" value <> 0L then
          malformed "onnx: a tensor keeps its data in another file, which has no certified meaning"
      | _ -> ()) slice;
  let what = Printf.sprintf "onnx: tensor '%s'" (shown !name) in
  if !rank > max_rank then malformed "%s has rank %d, above %d" what !rank max_rank;
  let shape =
    Array.of_list (List.rev_map (fun d ->
        if Int64.compare d 0L < 0 || Int64.compare d (Int64.of_int max_elements) > 0 then
          malformed "%s has a dimension of %Ld" what d;
        Int64.to_int d) !dims)
  in
  let count = element_count what shape in
  let check_count n = if n <> count then malformed "%s holds %d values, its shape asks for %d" what n count in
  let fields = [ !typed_floats <> []; !ints32 <> []; !ints64 <> []; !uints64 <> []; !has_doubles ] in
  if List.length (List.filter Fun.id fields) > 1 then malformed "%s has data in fields of two types" what;
  let present = List.exists (function Wire.Bytes s -> Wire.length s > 0 | _ -> true) in
  let typed used =
    (* raw data and typed data exclude each other, and typed data belongs into the field of its type *)
    List.iter (fun (field, some) ->
        if some && (field <> used || !raw <> None) then
          malformed "%s has data in field %s, which is not that of its type" what field)
      [ "float_data", present !typed_floats; "int32_data", present !ints32; "int64_data", present !ints64;
        "uint64_data", present !uints64; "double_data", !doubles > 0 ]
  in
  let collect fields =
    let out = ref [] and n = ref 0 in
    List.iter (Wire.each_varint "data" (fun v ->
        incr n; if !n > count then check_count !n;
        out := v :: !out)) (List.rev fields);
    check_count !n;
    Array.of_list (List.rev !out)
  in
  let raw_of width =
    Option.map (fun (r : Wire.slice) ->
        if Wire.length r <> width * count then
          malformed "%s holds %d bytes, its shape asks for %d" what (Wire.length r) (width * count);
        r) !raw
  in
  let values =
    match !type_code with
    | 1 ->
      typed "float_data";
      (* the bytes are counted before room is made for them *)
      (match raw_of 4 with
       | Some r ->
         let data = Bigarray.Array1.create Bigarray.float32 Bigarray.c_layout count in
         for n = 0 to count - 1 do
           let x = Int32.float_of_bits (String.get_int32_le r.text (r.at + 4 * n)) in
           Bigarray.Array1.unsafe_set data n x
         done;
         Floats data
       | None ->
         List.iter (Wire.each_float "float_data" (Grow.push_float fs)) (List.rev !typed_floats);
         check_count fs.nf;
         let data = Bigarray.Array1.create Bigarray.float32 Bigarray.c_layout count in
         for n = 0 to count - 1 do Bigarray.Array1.set data n fs.f.(n) done;
         Floats data)
    | 9 ->
      typed "int32_data";
      Booleans (match raw_of 1 with
          | Some r -> Array.init count (fun n -> r.text.[r.at + n] <> '\000')
          | None -> Array.map (fun v -> v <> 0L) (collect !ints32))
    | code when code = double ->
      typed "double_data";
      (match raw_of 8 with Some _ -> () | None -> if !doubles <> 8 * count then check_count (!doubles / 8));
      Opaque code
    | code when code = float16 ->
      typed "int32_data";
      (match raw_of 2 with Some _ -> () | None -> ignore (collect !ints32));
      Opaque code
    | code ->
      match integer_type code with
      | None -> malformed "%s has element type %d, which has no certified meaning" what code
      | Some (width, signed) ->
        let field = if width = 8 && signed then "int64_data" else if code > 11 then "uint64_data" else "int32_data" in
        typed field;
        match raw_of width with
        | Some r -> Integers (code, Array.init count (fun n -> raw_integer r.text (r.at + width * n) width signed))
        | None ->
          let values = collect (if field = "int64_data" then !ints64 else if field = "uint64_data" then !uints64 else !ints32) in
          let bits = 8 * width in
          let low = if signed then Z.neg (Z.shift_left Z.one (bits - 1)) else Z.zero in
          let high = Z.pred (Z.shift_left Z.one (if signed then bits - 1 else bits)) in
          Integers (code, Array.mapi (fun n v ->
              let z = if signed || width < 8 then Z.of_int64 v else Z.extract (Z.of_int64 v) 0 64 in
              if Z.lt z low || Z.gt z high then malformed "%s: value %d is outside its type" what n;
              z) values)
  in
  !name, { shape; values }

let attribute (slice : Wire.slice) =
  let a = ref { name = ""; kind = 0; f = 0.0; i = 0L; s = ""; t = None; fs = [||]; is = [||] } in
  let fs = Grow.floats () and is = ref [] and count = ref 0 in
  Wire.iter (fun number value ->
      match number with
      | 1 -> a := { !a with name = Wire.as_string "attribute name" value }
      | 2 -> a := { !a with f = Wire.as_float "attribute f" value }
      | 3 -> a := { !a with i = Wire.as_varint "attribute i" value }
      | 4 -> a := { !a with s = Wire.as_string "attribute s" value }
      | 5 ->
        if !a.t <> None then malformed "onnx: attribute '%s' has two tensors" (shown !a.name);
        a := { !a with t = Some (snd (tensor (Wire.as_bytes "attribute t" value))) }
      | 7 -> Wire.each_float "attribute floats" (Grow.push_float fs) value
      | 8 ->
        Wire.each_varint "attribute ints" (fun v ->
            incr count;
            if !count > max_items then malformed "onnx: attribute '%s' has more than %d integers" (shown !a.name) max_items;
            is := v :: !is) value
      | 20 -> a := { !a with kind = code "attribute type" value }
      | 21 ->
        if Wire.length (Wire.as_bytes "ref_attr_name" value) > 0 then
          malformed "onnx: attribute '%s' refers to a function attribute, which has no certified meaning" (shown !a.name)
      | _ -> ()) slice;
  { !a with fs = Grow.float_array fs; is = Array.of_list (List.rev !is) }

let node index (slice : Wire.slice) =
  let inputs = ref [] and outputs = ref [] and label = ref "" and op = ref "" and domain = ref "" and attributes = ref [] in
  Wire.iter (fun number value ->
      match number with
      | 1 -> inputs := Wire.as_string "node input" value :: !inputs
      | 2 -> outputs := Wire.as_string "node output" value :: !outputs
      | 3 -> label := Wire.as_string "node name" value
      | 4 -> op := Wire.as_string "op_type" value
      | 5 -> attributes := attribute (Wire.as_bytes "node attribute" value) :: !attributes
      | 7 -> domain := Wire.as_string "node domain" value
      | _ -> ()) slice;
  let names list = Array.of_list (List.rev list) in
  { index; label = !label; op = !op; domain = !domain; inputs = names !inputs; outputs = names !outputs;
    attributes = List.rev !attributes }

(* A ValueInfoProto: the name, and the element type and dimensions when they are given. *)
let value_info (slice : Wire.slice) =
  let name = ref "" and element = ref 0 and shape = ref None and types = ref 0 in
  let dimension s =
    let size = ref 1 in
    Wire.iter (fun number value ->
        match number with
        | 1 ->
          let d = Wire.as_varint "dim_value" value in
          if Int64.compare d (Int64.of_int max_elements) > 0 then
            malformed "onnx: input '%s' has a dimension of %Ld" (shown !name) d;
          (* 0 and negative dimensions stand for a batch that is not fixed: one sample *)
          size := if Int64.compare d 1L < 0 then 1 else Int64.to_int d
        | 2 -> size := 1
        | _ -> ()) s;
    !size
  in
  let tensor_shape s =
    let dims = ref [] and rank = ref 0 in
    Wire.iter (fun number value ->
        if number = 1 then begin
          incr rank;
          if !rank > max_rank then malformed "onnx: '%s' has rank above %d" (shown !name) max_rank;
          dims := dimension (Wire.as_bytes "dim" value) :: !dims
        end) s;
    if !shape <> None then malformed "onnx: input '%s' has two shapes" (shown !name);
    shape := Some (Array.of_list (List.rev !dims))
  in
  let tensor_type s =
    Wire.iter (fun number value ->
        match number with
        | 1 -> element := code "elem_type" value
        | 2 -> tensor_shape (Wire.as_bytes "shape" value)
        | _ -> ()) s
  in
  let denotation = 6 in
  let kind s =
    Wire.iter (fun number value ->
        if number <> denotation then begin
          incr types;
          if number <> 1 || !types > 1 then malformed "onnx: input '%s' is not one tensor" (shown !name);
          tensor_type (Wire.as_bytes "tensor_type" value)
        end) s
  in
  Wire.iter (fun number value ->
      match number with
      | 1 -> name := Wire.as_string "value name" value
      | _ -> ()) slice;
  Wire.iter (fun number value ->
      match number with
      | 2 -> kind (Wire.as_bytes "value type" value)
      | _ -> ()) slice;
  if !shape = None then malformed "onnx: input '%s' has no shape" (shown !name);
  !name, !element, Option.get !shape

let output_name (slice : Wire.slice) =
  let name = ref "" in
  Wire.iter (fun number value -> if number = 1 then name := Wire.as_string "value name" value) slice;
  !name

let graph opset (slice : Wire.slice) =
  let nodes = ref [] and count = ref 0 and initialisers = ref [] and inputs = ref [] and outputs = ref [] in
  let counted () =
    incr count;
    if !count > max_items then malformed "onnx: graph has more than %d parts" max_items
  in
  let node_count = ref 0 in
  Wire.iter (fun number value ->
      match number with
      | 1 -> counted (); nodes := node !node_count (Wire.as_bytes "node" value) :: !nodes; incr node_count
      | 5 -> counted (); initialisers := tensor (Wire.as_bytes "initializer" value) :: !initialisers
      | 11 -> counted (); inputs := value_info (Wire.as_bytes "input" value) :: !inputs
      | 12 -> counted (); outputs := output_name (Wire.as_bytes "output" value) :: !outputs
      | 15 -> malformed "onnx: sparse initialisers have no certified meaning"
      | _ -> ()) slice;
  let initialisers = List.rev !initialisers in
  let known = Hashtbl.create 64 in
  List.iter (fun (name, _) ->
      if name = "" then malformed "onnx: an initialiser has no name";
      if Hashtbl.mem known name then malformed "onnx: two initialisers are called '%s'" (shown name);
      Hashtbl.add known name ()) initialisers;
  let inputs =
    List.filter_map (fun (name, code, shape) ->
        if Hashtbl.mem known name then None
        else begin
          if name = "" then malformed "onnx: an input has no name";
          if code <> 1 then
            malformed "onnx: input '%s' has element type %d, only float32 (1) has a certified meaning" (shown name) code;
          Some (name, shape)
        end) (List.rev !inputs)
  in
  { opset; nodes = Array.of_list (List.rev !nodes); initialisers; inputs;
    outputs = List.rev !outputs }

let read text =
  let graph_slice = ref None and opsets = ref [] in
  Wire.iter (fun number value ->
      match number with
      | 7 ->
        if !graph_slice <> None then malformed "onnx: model has two graphs";
        graph_slice := Some (Wire.as_bytes "graph" value)
      | 8 ->
        let domain = ref "" and version = ref 0L in
        Wire.iter (fun number value ->
            match number with
            | 1 -> domain := Wire.as_string "opset domain" value
            | 2 -> version := Wire.as_varint "opset version" value
            | _ -> ()) (Wire.as_bytes "opset_import" value);
        (* exporters repeat an entry; only two different versions leave the meaning open *)
        if (!domain = "" || !domain = "ai.onnx") && not (List.mem !version !opsets) then opsets := !version :: !opsets
      | 25 -> malformed "onnx: model-local functions have no certified meaning"
      | _ -> ()) (Wire.whole text);
  match !graph_slice, !opsets with
  | None, _ -> malformed "onnx: model has no graph"
  | _, [] -> malformed "onnx: model names no version of the default operator set"
  | _, _ :: _ :: _ -> malformed "onnx: model names two versions of the default operator set"
  | Some slice, [ version ] ->
    if Int64.compare version 7L < 0 then
      malformed "onnx: operator set %Ld has no certified meaning, 7 is the least" version;
    graph version slice
