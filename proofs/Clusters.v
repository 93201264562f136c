(* The float32 relation of an affine row that is a sum cluster holds every covered
   evaluation of the cluster: SumTrees said for Semantics.row_holds. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Lra Lia Floats Uint63.
From AxiomProofs Require Import Lists SumTrees Binary64 Semantics.
Import ListNotations.
Local Open Scope R_scope.

(* A term of kind product or addend (spec/operators.md section 3); addends have weight 1 or -1. *)
Definition term_leaf (y : execution) (kt : bool * (int * float)) : leaf :=
  let (product, t) := kt in
  if product then Product (V (snd t)) (at_element y (fst t)) else Addend (V (snd t) * at_element y (fst t)).

Definition row_leaves (y : execution) (kinds : list bool) (r : row) : list leaf :=
  map (fun c => Addend (V c)) (constants r) ++ map (term_leaf y) (combine kinds (terms r)).

(* The figures that lowering gives to a row that is not scaled *)
Record cluster_row (kinds : list bool) (r : row) : Prop := {
  cr_kinds : length kinds = length (terms r);
  cr_gamma : V (gamma_count r) = INR (length (constants r) + length (terms r)) + 1;
  cr_small : V (gamma_count r) <= 8388608;
  cr_underflow : V (underflow_count r) = 2 * INR (length (constants r) + length (terms r)) + 1;
  cr_magnitude : sum (fun c => Rabs (V c)) (constants r) <= V (magnitude r);
  cr_bias : Rabs (V (bias r) - sum V (constants r)) <= p2 (-30) * sum (fun c => Rabs (V c)) (constants r);
  cr_weights : forall t, In t (terms r) -> Rabs (V (snd t)) <= p2 128
}.

Theorem every_evaluation_of_a_row_is_an_execution : forall y kinds r o, cluster_row kinds r ->
  (forall t, In t (terms r) -> Rabs (at_element y (fst t)) <= p2 128) ->
  row_premise y 1 r -> evaluates (row_leaves y kinds r) o ->
  exists v, o = Some v /\ row_holds y float32 1 0 r v.
Proof.
  intros y kinds r o [Hk Hg Hs Hu HM Hb Hw] Hy Hp He.
  set (l := row_leaves y kinds r) in *.
  assert (Hlen : length l = (length (constants r) + length (terms r))%nat).
  { unfold l, row_leaves. rewrite app_length, !map_length, combine_length, Hk. lia. }
  assert (Hterms : forall f : leaf -> R, sum f (map (term_leaf y) (combine kinds (terms r))) = sum (fun kt => f (term_leaf y kt)) (combine kinds (terms r))).
  { intros. apply sum_map. }
  assert (Hsnd : forall g : int * float -> R, sum (fun kt : bool * (int * float) => g (snd kt)) (combine kinds (terms r)) = sum g (terms r)).
  { intros g. clear - Hk. revert kinds Hk. induction (terms r) as [| t ts IH]; intros [| k ks] Hk; try discriminate; [reflexivity |].
    cbn [combine]. change (sum ?h (?a :: ?m)) with (h a + sum h m). cbv beta. cbn [snd]. rewrite IH; [reflexivity | now injection Hk]. }
  assert (Hvalue : value l = sum V (constants r) + weighted_sum y (terms r)).
  { unfold value, l, row_leaves. rewrite sum_app, sum_map, Hterms. f_equal. unfold weighted_sum. rewrite <- Hsnd. apply sum_ext.
    intros [k t] _. cbn. destruct k; reflexivity. }
  assert (Hmag : SumTrees.magnitude l = sum (fun c => Rabs (V c)) (constants r) + absolute_sum y (terms r)).
  { unfold SumTrees.magnitude, l, row_leaves. rewrite sum_app, sum_map, Hterms. f_equal. unfold absolute_sum. rewrite <- Hsnd. apply sum_ext.
    intros [k t] _. cbn. destruct k; cbn; [reflexivity | apply Rabs_mult]. }
  assert (Hops : operands l <= operands_sum y (terms r)).
  { unfold operands, l, row_leaves. rewrite sum_app, sum_map, Hterms. unfold operands_sum. rewrite <- Hsnd.
    rewrite (sum_ext _ (fun c => leaf_operands (Addend (V c))) (fun _ => 0)) by reflexivity. rewrite sum_zero, Rplus_0_l. apply sum_le.
    intros [k t] _. cbn. destruct k; cbn; [lra |]. apply Rplus_le_le_0_compat; apply Rabs_pos. }
  assert (HS : SumTrees.magnitude l <= row_size y r) by (unfold row_size; lra).
  rewrite <- Hlen in Hg, Hu.
  assert (Hgam : 0 <= gamma (V (gamma_count r))).
  { unfold gamma. pose proof (pos_INR (length l)). apply Rmult_le_pos; [rewrite u32_value; lra |]. left. apply Rinv_0_lt_compat. rewrite u32_value. lra. }
  assert (Hrange : Forall in_range l).
  { unfold l, row_leaves. apply Forall_app. split; apply Forall_forall; intros a Ha; apply in_map_iff in Ha; destruct Ha as (c & <- & Hc); [exact I |].
    destruct c as [k t]. apply in_combine_r in Hc. cbn. destruct k; cbn; [split; [now apply Hw | now apply Hy] | exact I]. }
  assert (Hprem : cluster_premise l).
  { unfold cluster_premise, row_premise in *. rewrite <- Hg.
    assert ((1 + gamma (V (gamma_count r))) * SumTrees.magnitude l <= (1 + gamma (V (gamma_count r))) * row_size y r) by (apply Rmult_le_compat_l; lra). lra. }
  destruct (every_evaluation_is_within_the_error_of_a_rounded_sum l o (V (bias r) + weighted_sum y (terms r))) as (v & -> & Hv); auto.
  { rewrite <- Hg. exact Hs. }
  { rewrite Hvalue. replace (V (bias r) + weighted_sum y (terms r) - (sum V (constants r) + weighted_sum y (terms r))) with (V (bias r) - sum V (constants r)) by ring.
    eapply Rle_trans; [exact Hb |]. apply Rmult_le_compat_l; [apply bpow_ge_0 |]. rewrite Hmag.
    assert (0 <= absolute_sum y (terms r)) by (apply sum_nonnegative; intros; apply Rmult_le_pos; apply Rabs_pos). lra. }
  exists v. split; [reflexivity |]. unfold row_holds, row_error. eapply Rle_trans; [exact Hv |]. unfold cluster_error.
  rewrite <- Hg, Hu, Rplus_0_r, Rmult_1_r. apply Rplus_le_compat.
  - apply Rmult_le_compat_l; assumption.
  - apply Rmult_le_compat_l; [pose proof eta_positive; lra |]. lra.
Qed.
