(* A theorem about a network, from end to end: the example examples/hello (two numbers
   between 0 and 1 are less than 1.5 apart), its literals, its certificate of seven
   bytes, the claim that the kernel accepts. *)
From Flocq Require Import Core.
From Coq Require Import ZArith QArith Qreals Reals List Lra Lia Floats Uint63.
From AxiomProofs Require Import Lists SumTrees Binary64 Semantics Forms Checker CheckSound Decide.
Import ListNotations.
Local Open Scope R_scope.

Local Open Scope float_scope.

(* |x0 - x1| as relu(x0 - x1) + relu(x1 - x0) *)
Definition distance : program := Program 2
  [ Affine 1 0 [ Row [0] 0 0 4 7 [(0%uint63, 1); (1%uint63, -1)];
                 Row [0] 0 0 4 7 [(0%uint63, -1); (1%uint63, 1)] ];
    Relu [2; 3]%uint63;
    Affine 1 0 [ Row [0] 0 0 4 7 [(4%uint63, 1); (5%uint63, 1)] ] ]
  [6]%uint63.

Definition rounded_property : list fdisjunct := [ Fdisjunct [(0, 1); (0, 1)] [ Fconstraint [(Y 0, -1)] (-1.5) ] ].

Local Open Scope R_scope.

(* Unsafe: both inputs between 0 and 1, and -y <= -1.5. *)
Definition far_apart : property := [ Disjunct [(0%Q, 1%Q); (0%Q, 1%Q)] [ Constraint [(Y 0, (-1)%Q)] (-(3 # 2))%Q ] ].

Definition certificate : bytes := [1; 1; 0; 3; 6; 0; 0]%uint63.

Theorem never_far_apart : claim float32 distance far_apart.
Proof. apply (check_sound_decided float32 distance far_apart rounded_property certificate). vm_cast_no_check (eq_refl true). Qed.

(* The same in plain words: the float32 network computes less than 1.5. *)
Corollary distance_below : forall (x : nat -> R) (y : execution),
  0 <= x 0%nat <= 1 -> 0 <= x 1%nat <= 1 -> y 0%nat = nearest32 (x 0%nat) -> y 1%nat = nearest32 (x 1%nat) ->
  executes float32 distance y -> y 6%nat < 3 / 2.
Proof.
  intros x y H0 H1 F0 F1 Hy. apply Rnot_le_lt. intros Hle.
  apply (never_far_apart x y); [| exact Hy |].
  - intros j Hj. destruct j as [| [| j]]; [exact F0 | exact F1 | cbn in Hj; lia].
  - eexists. split; [left; reflexivity |]. split.
    + intros j Hj. destruct j as [| [| j]]; cbn in Hj |- *; [.. | lia]; unfold Q2R; simpl; lra.
    + constructor; [| constructor]. unfold satisfied, sum. cbn. unfold at_element. change (idx 6%uint63) with 6%nat. unfold Q2R. simpl. lra.
Qed.
