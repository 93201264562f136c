(* Prints every number that the tree checker receives, one operator, row, box or constraint a line, doubles as the 16
   hexadecimal digits of their bits, so that another reading of the same bytes can be compared by diff. *)

open Types

let bits x = Printf.sprintf "%016Lx" (Int64.bits_of_float x)

let program out p =
  Array.iteri (fun n operator ->
      Printf.fprintf out "operator %d %s first %d size %d\n" n (operator_name operator) p.first.(n) (operator_size operator);
      match operator with
      | Input _ -> ()
      | Affine a ->
        Printf.fprintf out "factor %s rho %s\n" (bits a.factor) (bits a.rho);
        Array.iteri (fun i b ->
            Printf.fprintf out "row %d b %s M %s k %d c0 %s:" i (bits b) (bits a.magnitude.(i)) a.k.(i) (bits a.c0.(i));
            for t = a.start.(i) to a.start.(i + 1) - 1 do Printf.fprintf out " %d %s" a.element.(t) (bits a.weight.(t)) done;
            output_char out '\n') a.bias
      | Unary (_, alpha, sources) ->
        Printf.fprintf out "alpha %s:" (bits alpha);
        Array.iter (Printf.fprintf out " %d") sources;
        output_char out '\n'
      | Maxpool (start, sources) ->
        for i = 0 to Array.length start - 2 do
          Printf.fprintf out "window %d:" i;
          for t = start.(i) to start.(i + 1) - 1 do Printf.fprintf out " %d" sources.(t) done;
          output_char out '\n'
        done
      | Softmax (start, sources) ->
        for g = 0 to Array.length start - 2 do
          Printf.fprintf out "group %d:" g;
          for t = start.(g) to start.(g + 1) - 1 do Printf.fprintf out " %d" sources.(t) done;
          output_char out '\n'
        done
      | Constant values -> Array.iteri (fun i v -> Printf.fprintf out "value %d %s\n" i (bits v)) values) p.operators;
  Printf.fprintf out "outputs:";
  Array.iter (Printf.fprintf out " %d") p.outputs;
  output_char out '\n'

let property out semantics disjuncts =
  Array.iteri (fun n d ->
      Printf.fprintf out "disjunct %s %d\n" (semantics_name semantics) n;
      Array.iteri (fun j l -> Printf.fprintf out "box %d %s %s\n" j (bits l) (bits d.upper.(j))) d.lower;
      Array.iter (fun f ->
          Printf.fprintf out "constraint %s:" (bits f.bound);
          Array.iteri (fun k t ->
              Printf.fprintf out " %s%d %s" (if f.is_input.(k) then "X" else "Y") f.index.(k) (bits t)) f.coefficient;
          output_char out '\n') d.forms) disjuncts
