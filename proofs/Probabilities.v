(* The values of a softmax are probabilities, in every execution of a program and for
   every input: none is negative, and those of a group sum to 1, in float32 up to
   gamma (n + 8). SoftmaxEvaluations says that what runtimes compute are executions.
   Relies on Ranges. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Permutation Lra Lia Floats Uint63.
From AxiomProofs Require Import Lists SumTrees Binary64 Semantics SoftmaxRows SoftmaxEvaluations Ranges.
Import ListNotations.
Local Open Scope R_scope.

Definition distribution (s : semantics) (vs : list R) : Prop :=
  match s with
  | real => Forall (fun v => 0 < v <= 1) vs /\ sum (fun v => v) vs = 1
  | float32 => Forall (fun v => 0 <= v) vs /\ Rabs (sum (fun v => v) vs - 1) <= gamma (INR (length vs) + 8)
  end.

Lemma distribution_permutation : forall s l m, Permutation l m -> distribution s l -> distribution s m.
Proof.
  intros s l m H Hd. destruct s; cbn [distribution] in *; destruct Hd as (Hall & Hsum);
    (split; [eapply Permutation_Forall; eauto |]); rewrite <- (sum_permutation _ _ _ _ H); [| rewrite <- (Permutation_length H)]; exact Hsum.
Qed.

(* The numbers of the elements of each group of a softmax, the first one being that of the operator. *)
Fixpoint group_elements (groups : list (list int)) (first : nat) : list (list nat) :=
  match groups with [] => [] | g :: m => seq first (length g) :: group_elements m (first + length g) end.

(* es are the elements of a group, not empty, of a softmax of the program. *)
Fixpoint softmax_group_in (l : list operator) (first : nat) (es : list nat) : Prop :=
  match l with
  | [] => False
  | o :: m => match o with Softmax groups => In es (group_elements groups first) | _ => False end \/ softmax_group_in m (first + count o) es
  end.
Definition softmax_group (net : program) (es : list nat) : Prop := es <> [] /\ softmax_group_in (operators net) (inputs net) es.

Theorem softmax_groups_are_distributions : forall s net y es, executes s net y -> softmax_group net es -> distribution s (map y es).
Proof.
  intros s net y es H (Hne & Hg). unfold executes in H. revert H Hg. generalize (inputs net) as first.
  induction (operators net) as [| o l IH]; intros first H Hg; [easy |]. destruct H as (H0 & H).
  destruct Hg as [Hg | Hg]; [| now apply (IH (first + count o)%nat)]. clear IH H.
  destruct o as [| | | | | | | gs]; try easy. cbn [operator_holds] in H0. revert first H0 Hg.
  induction gs as [| g gs IH]; intros first H0 Hg; [easy |]. destruct H0 as (H0 & H). destruct Hg as [<- | Hg]; [| now apply (IH (first + length g)%nat)].
  destruct s; cbn [distribution].
  - apply (softmax_is_a_distribution y g); [intros ->; now elim Hne | exact H0].
  - rewrite map_length, seq_length. exact H0.
Qed.

(* Outputs that are the entries of a softmax, in whatever order, are a distribution. *)
Corollary valid_probabilities : forall s net y es, softmax_group net es -> Permutation (map idx (outputs net)) es ->
  executes s net y -> distribution s (output_values net y).
Proof.
  intros s net y es Hg Hp H. unfold output_values. change (at_element y) with (fun e => y (idx e)). rewrite <- (map_map idx y).
  eapply distribution_permutation; [apply Permutation_map, Permutation_sym, Hp |]. now apply softmax_groups_are_distributions with (net := net).
Qed.

(* What a runtime computes for a group is what the relation of float32 allows. *)
Corollary every_evaluation_of_a_group_is_an_execution : forall y group es os,
  length es = length group -> (length group <= 2 ^ 20)%nat -> covered_exponentials es -> softmax_evaluates es os ->
  exists vs, os = map Some vs /\ softmax_holds y float32 group vs.
Proof.
  intros y group es os Hlen Hn Hc H. apply le_INR in Hn.
  destruct (every_evaluation_of_a_softmax_is_a_distribution es os) as (vs & E & Hall & Hsum); auto.
  - rewrite Hlen. eapply Rle_trans; [exact Hn |]. rewrite pow_INR. simpl. lra.
  - exists vs. split; [exact E |]. split; [exact Hall |]. now rewrite <- Hlen.
Qed.
