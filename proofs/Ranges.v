(* What holds of every execution of a program without any search: an element of Relu,
   Sigmoid, Tanh or Softmax lies in the operator's range, whatever the inputs are.
   Relies on Semantics. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Lra Lia Floats Uint63.
From AxiomProofs Require Import Lists SumTrees Binary64 Semantics SoftmaxRows.
Import ListNotations.
Local Open Scope R_scope.

(* Element i belongs to operator o of the program. *)
Fixpoint belongs (l : list operator) (first i : nat) (o : operator) : Prop :=
  match l with
  | [] => False
  | o' :: m => (o' = o /\ (first <= i < first + count o')%nat) \/ belongs m (first + count o') i o
  end.
Definition element_of (net : program) (i : nat) (o : operator) : Prop := belongs (operators net) (inputs net) i o.

(* The range of an operator; float32 allows what its relation allows. *)
Definition range (s : semantics) (o : operator) (v : R) : Prop :=
  match o with
  | Relu _ => 0 <= v
  | Sigmoid _ => match s with real => 0 < v < 1 | float32 => - p2 (-20) <= v <= 1 + p2 (-20) end
  | Tanh _ => match s with real => -1 < v < 1 | float32 => -1 - p2 (-20) <= v <= 1 + p2 (-20) end
  | Softmax _ => match s with real => 0 < v <= 1 | float32 => 0 <= v end
  | _ => True
  end.

Lemma sigmoid_range : forall x, 0 < sigmoid x < 1.
Proof.
  intros x. unfold sigmoid. pose proof (exp_pos (- x)). split; [apply Rinv_0_lt_compat; lra |].
  rewrite <- Rinv_1. apply Rinv_lt_contravar; lra.
Qed.

Lemma tanh_range : forall x, -1 < tanh x < 1.
Proof.
  intros x. unfold tanh, sinh, cosh. pose proof (exp_pos x). pose proof (exp_pos (- x)).
  replace ((exp x - exp (- x)) / 2 / ((exp x + exp (- x)) / 2)) with ((exp x - exp (- x)) / (exp x + exp (- x))) by (field; lra).
  split; apply Rmult_lt_reg_r with (exp x + exp (- x)); try lra; unfold Rdiv; rewrite Rmult_assoc, Rinv_l by lra; lra.
Qed.

Lemma each_at : forall A (y : execution) (P : A -> R -> Prop) l first i, each y P l first -> (first <= i < first + length l)%nat ->
  exists a, In a l /\ P a (y i).
Proof.
  induction l as [| a l IH]; intros first i H Hi; [cbn in Hi; lia |]. destruct H as (H0 & H). cbn [length] in Hi.
  destruct (Nat.eq_dec i first) as [-> | Hne]; [exists a; split; [now left | exact H0] |].
  destruct (IH (S first) i H ltac:(lia)) as (b & Hb & HP). exists b. split; [now right | exact HP].
Qed.

Lemma each_group_at : forall (y : execution) P l first i, each_group y P l first -> (first <= i < first + length (concat l))%nat ->
  exists g k, In g l /\ (k <= i < k + length g)%nat /\ P g (map y (seq k (length g))).
Proof.
  induction l as [| g l IH]; intros first i H Hi; [cbn in Hi; lia |]. destruct H as (H0 & H). cbn [concat] in Hi. rewrite app_length in Hi.
  destruct (Nat.lt_ge_cases i (first + length g)) as [Hlt | Hge]; [exists g, first; split; [now left | split; [lia | exact H0]] |].
  destruct (IH (first + length g)%nat i H ltac:(lia)) as (h & k & Hh & Hk & HP). exists h, k. split; [now right | auto].
Qed.

Lemma operator_range : forall s y o first i, operator_holds y s o first -> (first <= i < first + count o)%nat -> range s o (y i).
Proof.
  intros s y o first i H Hi. assert (H20 : 0 < p2 (-20)) by apply bpow_gt_0. destruct o as [f rho rows | srcs | a srcs | srcs | srcs | ws | vs | gs]; cbn [range]; auto.
  - destruct (each_at _ _ _ _ _ _ H Hi) as (e & _ & HP). unfold relu_holds in HP. pose proof (Rmax_l 0 (at_element y e)).
    destruct s; [lra | destruct HP as [-> | (-> & _)]; lra].
  - destruct (each_at _ _ _ _ _ _ H Hi) as (e & _ & HP). unfold curve_holds in HP. pose proof (sigmoid_range (at_element y e)).
    destruct s; [lra | apply Rabs_le_inv in HP; lra].
  - destruct (each_at _ _ _ _ _ _ H Hi) as (e & _ & HP). unfold curve_holds in HP. pose proof (tanh_range (at_element y e)).
    destruct s; [lra | apply Rabs_le_inv in HP; lra].
  - destruct (each_group_at _ _ _ _ _ H Hi) as (g & k & _ & Hk & HP).
    assert (Hin : In (y i) (map y (seq k (length g)))) by (apply in_map, in_seq; lia). destruct s.
    + destruct (softmax_is_a_distribution y g (map y (seq k (length g)))) as (Hall & _); [intros ->; cbn in Hk; lia | exact HP |].
      rewrite Forall_forall in Hall. now apply Hall.
    + destruct HP as (Hall & _). rewrite Forall_forall in Hall. now apply Hall.
Qed.

Theorem every_execution_is_in_range : forall s net y i o, executes s net y -> element_of net i o -> range s o (y i).
Proof.
  intros s net y i o H He. unfold executes, element_of in *. revert H He. generalize (inputs net) as first.
  induction (operators net) as [| o' l IH]; intros first H He; [easy |]. destruct H as (H0 & H).
  destruct He as [(-> & Hi) | He]; [now apply (operator_range s y o first) | now apply (IH (first + count o')%nat)].
Qed.
