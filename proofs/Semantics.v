(* What a claim is about: core programs, their executions under the semantics
   `real` and `float32`, and the safe points of a property (spec/operators.md
   section 5, spec/certificate.md section 3).

   A program's constants are primitive floats, standing for the dyadic numbers that
   they are (Binary64.V); an execution is a function from element numbers to reals. *)
From Flocq Require Import Core.
From Coq Require Import ZArith QArith Qreals Reals List Floats Uint63.
From AxiomProofs Require Import Lists SumTrees Binary64.
Import ListNotations.
Local Open Scope R_scope.

Inductive semantics := real | float32.

(* One row of an affine operator: bias is the rounded sum of the constants. *)
Record row := Row {
  constants : list float;
  bias : float;
  magnitude : float;            (* M *)
  gamma_count : float;          (* k *)
  underflow_count : float;      (* c0 *)
  terms : list (int * float)    (* element read, weight *)
}.

Inductive operator :=
  | Affine (factor real_error : float) (rows : list row)
  | Relu (sources : list int)
  | LeakyRelu (alpha : float) (sources : list int)
  | Sigmoid (sources : list int)
  | Tanh (sources : list int)
  | MaxPool (windows : list (int * list int))  (* a window is its first source and the others *)
  | Constant (values : list float)
  | Softmax (groups : list (list int)).        (* its elements are numbered group after group *)

(* Elements are numbered in this order: inputs, then those of each operator. *)
Record program := Program { inputs : nat; operators : list operator; outputs : list int }.

Definition idx (e : int) : nat := Z.to_nat (to_Z e).

Definition count (o : operator) : nat :=
  match o with
  | Affine _ _ rows => length rows
  | Relu s | LeakyRelu _ s | Sigmoid s | Tanh s => length s
  | MaxPool windows => length windows
  | Constant values => length values
  | Softmax groups => length (concat groups)
  end.

Definition execution := nat -> R.

Section Values.
  Variable y : execution.
  Definition at_element (e : int) : R := y (idx e).
  Definition weighted_sum (l : list (int * float)) : R := sum (fun t => V (snd t) * at_element (fst t)) l.
  Definition absolute_sum (l : list (int * float)) : R := sum (fun t => Rabs (V (snd t)) * Rabs (at_element (fst t))) l.
  Definition operands_sum (l : list (int * float)) : R := sum (fun t => Rabs (V (snd t)) + Rabs (at_element (fst t))) l.

  Definition row_size (r : row) : R := V (magnitude r) + absolute_sum (terms r).  (* S *)

  Definition row_error (factor rho : R) (r : row) : R :=
    (gamma (V (gamma_count r)) + rho) * row_size r
    + 2 * eta * factor * (V (underflow_count r) + operands_sum (terms r)).

  Definition row_holds (s : semantics) (factor rho : R) (r : row) (v : R) : Prop :=
    match s with
    | real => Rabs (v - (sum V (constants r) + weighted_sum (terms r))) <= rho * row_size r
    | float32 => Rabs (v - (V (bias r) + weighted_sum (terms r))) <= row_error factor rho r
    end.

  Definition row_premise (factor : R) (r : row) : Prop :=
    (1 + gamma (V (gamma_count r))) * factor * row_size r + 1 < p2 127.

  Definition sigmoid (x : R) : R := / (1 + exp (- x)).
  Definition leaky_relu (alpha x : R) : R := if Rlt_dec x 0 then alpha * x else x.

  Definition relu_holds (s : semantics) (x v : R) : Prop :=
    match s with
    | real => v = Rmax 0 x
    | float32 => v = Rmax 0 x \/ v = 0 /\ Rmax 0 x < eta
    end.
  Definition leaky_relu_holds (s : semantics) (alpha x v : R) : Prop :=
    match s with
    | real => v = leaky_relu alpha x
    | float32 => Rabs (v - leaky_relu alpha x) <= u32 * alpha * Rabs x + 2 * eta
    end.
  Definition curve_holds (s : semantics) (f : R -> R) (x v : R) : Prop :=
    match s with real => v = f x | float32 => Rabs (v - f x) <= p2 (-20) end.

  Definition greatest (window : int * list int) : R :=
    fold_right (fun e m => Rmax (at_element e) m) (at_element (fst window)) (snd window).
  Definition maxpool_holds (s : semantics) (window : int * list int) (v : R) : Prop :=
    match s with real => v = greatest window | float32 => Rabs (v - greatest window) <= eta end.

  (* A group of sources and the values vs of their entries. What exp computes in float32 is left open. *)
  Definition softmax_holds (s : semantics) (group : list int) (vs : list R) : Prop :=
    match s with
    | real => vs = map (fun e => exp (at_element e) / sum (fun f => exp (at_element f)) group) group
    | float32 => Forall (fun v => 0 <= v) vs /\ Rabs (sum (fun v => v) vs - 1) <= gamma (INR (length group) + 8)
    end.

  (* P holds for each a of a list and the element that belongs to it. *)
  Fixpoint each {A} (P : A -> R -> Prop) (l : list A) (first : nat) : Prop :=
    match l with [] => True | a :: m => P a (y first) /\ each P m (S first) end.

  (* P holds for each group and the values of the elements that belong to it. *)
  Fixpoint each_group (P : list int -> list R -> Prop) (l : list (list int)) (first : nat) : Prop :=
    match l with [] => True | g :: m => P g (map y (seq first (length g))) /\ each_group P m (first + length g) end.

  Definition operator_holds (s : semantics) (o : operator) (first : nat) : Prop :=
    match o with
    | Affine factor rho rows => each (row_holds s (V factor) (V rho)) rows first
    | Relu sources => each (fun e v => relu_holds s (at_element e) v) sources first
    | LeakyRelu alpha sources => each (fun e v => leaky_relu_holds s (V alpha) (at_element e) v) sources first
    | Sigmoid sources => each (fun e v => curve_holds s sigmoid (at_element e) v) sources first
    | Tanh sources => each (fun e v => curve_holds s tanh (at_element e) v) sources first
    | MaxPool windows => each (maxpool_holds s) windows first
    | Constant values => each (fun c v => v = V c) values first
    | Softmax groups => each_group (softmax_holds s) groups first
    end.

  Fixpoint operators_hold (s : semantics) (l : list operator) (first : nat) : Prop :=
    match l with [] => True | o :: m => operator_holds s o first /\ operators_hold s m (first + count o) end.

  (* No row can overflow: with SumTrees, every covered evaluation is free of NaN and infinity. *)
  Fixpoint premises_hold (l : list operator) : Prop :=
    match l with
    | [] => True
    | Affine factor _ rows :: m => Forall (row_premise (V factor)) rows /\ premises_hold m
    | _ :: m => premises_hold m
    end.
End Values.

(* y assigns a value to every element: inputs as fed, the others as their operators may give. *)
Definition executes (s : semantics) (p : program) (y : execution) : Prop :=
  operators_hold y s (operators p) (inputs p).

(* ---- Properties *)

Inductive variable := X (j : nat) | Y (k : nat).

(* sum t v <= right, with the exact decimals of the text *)
Record constraint := Constraint { left : list (variable * Q); right : Q }.
Record disjunct := Disjunct { box : list (Q * Q); constraints : list constraint }.
Definition property := list disjunct.

(* The number that a real point x is fed as. *)
Definition fed (s : semantics) (x : R) : R := match s with real => x | float32 => nearest32 x end.

Section Points.
  Variables (x : nat -> R) (outs : list R).
  Definition variable_value (v : variable) : R := match v with X j => x j | Y k => nth k outs 0 end.
  Definition satisfied (c : constraint) : Prop :=
    sum (fun t => Q2R (snd t) * variable_value (fst t)) (left c) <= Q2R (right c).
  Definition in_box (b : list (Q * Q)) : Prop :=
    forall j, (j < length b)%nat -> Q2R (fst (nth j b (0%Q, 0%Q))) <= x j <= Q2R (snd (nth j b (0%Q, 0%Q))).
  Definition unsafe (p : property) : Prop :=
    exists c, In c p /\ in_box (box c) /\ Forall satisfied (constraints c).
  Definition safe (p : property) : Prop := ~ unsafe p.
End Points.

Definition output_values (p : program) (y : execution) : list R := map (at_element y) (outputs p).

(* The claim of a certificate: whatever real point is given, and whatever the network
   computes from it, the property holds. *)
Definition claim (s : semantics) (net : program) (p : property) : Prop :=
  forall (x : nat -> R) (y : execution),
    (forall j, (j < inputs net)%nat -> y j = fed s (x j)) -> executes s net y ->
    safe x (output_values net y) p.
