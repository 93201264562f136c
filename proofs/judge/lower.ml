(* From a model to its core program (spec/operators.md sections 1 to 4): the order of the nodes, the state of every
   tensor, pending sums, and the elements of the outputs. *)

open Refusal
open Lowering
module Ready = Set.Make (Int)

let movement = [ "Identity"; "Dropout"; "Flatten"; "Reshape"; "Squeeze"; "Unsqueeze"; "Transpose"; "Concat"; "Upsample";
                 "Resize"; "Constant"; "Cast" ]

let is_sum op = op = "Add" || op = "Sub"

(* How often each tensor is used, and whether the last use seen is an operand of Add or Sub. *)
type uses = { mutable times : int; mutable left : int; mutable by_sum : bool; mutable is_output : bool }

let forgotten = Constant { shape = [||]; values = Opaque 0 }

let count_uses (graph : Onnx.graph) =
  let table = Hashtbl.create 256 in
  let uses name =
    match Hashtbl.find_opt table name with
    | Some u -> u
    | None -> let u = { times = 0; left = 0; by_sum = false; is_output = false } in Hashtbl.add table name u; u
  in
  Array.iter (fun (node : Onnx.node) ->
      Array.iter (fun name ->
          if name <> "" then begin
            let u = uses name in
            u.times <- u.times + 1;
            u.left <- u.times;
            u.by_sum <- is_sum node.op
          end) node.inputs) graph.nodes;
  List.iter (fun name -> (uses name).is_output <- true) graph.outputs;
  fun name -> uses name

(* Lowers one node; the result is its first output. *)
let lower_node state uses (node : Onnx.node) operands =
  if node.domain <> "" && node.domain <> "ai.onnx" then refuse node "domain '%s'" (shown node.domain);
  check_attributes node;
  let all_constant = Array.for_all (function Some (Constant _) | None -> true | _ -> false) operands in
  if all_constant && not (List.mem node.op movement) then refuse node "all operands are constant";
  let sum rows scaled =
    let u : uses = uses node.outputs.(0) in
    if scaled = None && u.times = 1 && u.by_sum && not u.is_output then Pending rows
    else Lower_sums.emit_rows state node rows scaled
  in
  match node.op with
  | "Identity" -> Lower_movement.identity node operands
  | "Dropout" -> Lower_movement.dropout node operands
  | "Flatten" -> Lower_movement.flatten node operands
  | "Reshape" -> Lower_movement.reshape node operands
  | "Squeeze" -> Lower_movement.squeeze node operands
  | "Unsqueeze" -> Lower_movement.unsqueeze node operands
  | "Transpose" -> Lower_movement.transpose node operands
  | "Concat" -> Lower_movement.concat state node operands
  | "Upsample" -> Lower_movement.upsample node operands
  | "Resize" -> Lower_movement.resize node operands
  | "Constant" -> Lower_movement.constant node operands
  | "Cast" -> Lower_movement.cast node operands
  | "Add" | "Sub" -> sum (Lower_sums.add_or_sub node operands) None
  | "MatMul" -> sum (Lower_sums.matmul state node operands) None
  | "Gemm" -> let rows, scaled = Lower_sums.gemm state node operands in sum rows scaled
  | "Conv" -> sum (Lower_sums.conv state node operands) None
  | "ConvTranspose" -> sum (Lower_sums.conv_transpose state node operands) None
  | "BatchNormalization" -> Lower_others.batch_normalization state node operands
  | "Relu" -> Lower_others.unary state node operands Types.Relu 0.0
  | "LeakyRelu" -> Lower_others.leaky_relu state node operands
  | "Sigmoid" -> Lower_others.unary state node operands Types.Sigmoid 0.0
  | "Tanh" -> Lower_others.unary state node operands Types.Tanh 0.0
  | "MaxPool" -> Lower_others.max_pool state node operands
  | "Softmax" -> Lower_others.softmax state node operands
  | _ -> refuse node "operator"

let program (graph : Onnx.graph) : Types.program =
  let state = { opset = graph.opset; emitted = []; firsts = []; next = 0; terms = 0; allotted = 0; worked = 0 } in
  let tensors : (string, tensor) Hashtbl.t = Hashtbl.create 256 in
  let define where name tensor =
    if Hashtbl.mem tensors name then malformed "onnx: %s defines '%s' a second time" where (shown name);
    Hashtbl.add tensors name tensor
  in
  List.iter (fun (name, t) -> define "an initialiser" name (Constant t)) graph.initialisers;
  let size_of (name, shape) = Onnx.element_count (Printf.sprintf "onnx: input '%s'" (shown name)) shape in
  let sizes = Grow.map_list size_of graph.inputs in
  let inputs = List.fold_left ( + ) 0 sizes in
  ignore (emit state "onnx: inputs" (Types.Input inputs));
  let at = ref 0 in
  List.iter2 (fun (name, shape) size ->
      define "an input" name (View (shape, consecutive !at size));
      at := !at + size) graph.inputs sizes;
  let uses = count_uses graph in
  (* [waiting.(n)]: how many operand positions of node n are not available yet *)
  let readers = Hashtbl.create 256 in
  let waiting = Array.make (Array.length graph.nodes) 0 in
  let ready = ref Ready.empty in
  Array.iteri (fun n (node : Onnx.node) ->
      Array.iter (fun name ->
          if name <> "" && not (Hashtbl.mem tensors name) then begin
            Hashtbl.add readers name n;
            waiting.(n) <- waiting.(n) + 1
          end) node.inputs;
      if waiting.(n) = 0 then ready := Ready.add n !ready) graph.nodes;
  let visited = ref 0 in
  while not (Ready.is_empty !ready) do
    let n = Ready.min_elt !ready in
    ready := Ready.remove n !ready;
    incr visited;
    let node = graph.nodes.(n) in
    if Array.length node.outputs = 0 || node.outputs.(0) = "" then refuse node "has no output";
    Array.iteri (fun p name ->
        if p > 0 && name <> "" && (node.op <> "Dropout" || p > 1) then refuse node "output %d has no certified meaning" p;
        let u = uses name in
        if p > 0 && name <> "" && (u.times > 0 || u.is_output) then refuse node "output %d is used" p) node.outputs;
    let operands = Array.map (fun name -> if name = "" then None else Some (Hashtbl.find tensors name)) node.inputs in
    let name = node.outputs.(0) in
    let result = lower_node state uses node operands in
    allot state node (count node (tensor_shape result));
    define (place node) name result;
    (* what nothing reads any more takes no room *)
    Array.iter (fun name ->
        if name <> "" then begin
          let u = uses name in
          u.left <- u.left - 1;
          if u.left = 0 && not u.is_output then Hashtbl.replace tensors name forgotten
        end) node.inputs;
    List.iter (fun reader ->
        waiting.(reader) <- waiting.(reader) - 1;
        if waiting.(reader) = 0 then ready := Ready.add reader !ready) (Hashtbl.find_all readers name)
  done;
  if !visited < Array.length graph.nodes then begin
    let stuck = ref 0 in
    while waiting.(!stuck) <= 0 do incr stuck done;
    malformed "onnx: %s waits for a tensor that nothing makes" (place graph.nodes.(!stuck))
  end;
  let outputs =
    Grow.map_list (fun name ->
        match Hashtbl.find_opt tensors name with
        | None -> malformed "onnx: nothing makes the output '%s'" (shown name)
        | Some (View (shape, elements)) -> (name, shape), elements
        | Some (Constant { shape; values = Floats data }) -> (name, shape), emit_constant state "onnx: outputs" data
        | Some (Constant _) -> malformed "onnx: output '%s' is not float32" (shown name)
        | Some (Pending _) -> assert false) graph.outputs
  in
  { operators = Array.of_list (List.rev state.emitted);
    first = Array.of_list (List.rev state.firsts);
    elements = state.next;
    inputs;
    outputs = Array.concat (Grow.map_list snd outputs);
    input_tensors = graph.inputs;
    output_tensors = Grow.map_list fst outputs }
