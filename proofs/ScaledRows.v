(* ScaledSums said for the rows of Semantics. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Lra Lia Floats Uint63.
From AxiomProofs Require Import Lists SumTrees ScaledSums Binary64 Semantics.
Import ListNotations.
Local Open Scope R_scope.

(* Scale and unscaled number of each term and of each constant; a term that is not scaled has scale 1. *)
Definition term_part (y : execution) (ct : (R * R) * (int * float)) : part :=
  (fst (fst ct), Product (snd (fst ct)) (at_element y (fst (snd ct)))).

Definition scaled_parts (y : execution) (consts factors : list (R * R)) (r : row) : list part :=
  map (fun c => (fst c, Addend (snd c))) consts ++ map (term_part y) (combine factors (terms r)).

Lemma forall2_length : forall A B (P : A -> B -> Prop) l m, Forall2 P l m -> length l = length m.
Proof. induction 1; cbn; auto. Qed.

(* The figures that lowering gives to a row of a scaled Gemm *)
Record scaled_row (F : R) (consts factors : list (R * R)) (r : row) : Prop := {
  sr_constants : Forall2 (fun c v => V v = fst c * snd c) consts (constants r);
  sr_terms : Forall2 (fun f t => V (snd t) = fst f * snd f /\ Rabs (snd f) <= p2 128 /\ (fst f <> 1 -> Rabs (V (snd t)) <= p2 127)) factors (terms r);
  sr_scales : Forall (fun c => scale_ok F (fst c)) (consts ++ factors);
  sr_gamma : V (gamma_count r) = INR (length (constants r) + length (terms r)) + 3;
  sr_small : V (gamma_count r) <= 4194304;
  sr_underflow : V (underflow_count r) = 2 * INR (length (constants r) + length (terms r)) + 3;
  sr_magnitude : sum (fun c => Rabs (V c)) (constants r) <= V (Semantics.magnitude r);
  sr_bias : Rabs (V (bias r) - sum V (constants r)) <= p2 (-30) * sum (fun c => Rabs (V c)) (constants r)
}.

Theorem every_evaluation_of_a_scaled_row_is_an_execution : forall y F consts factors r o, 1 <= F -> scaled_row F consts factors r ->
  (forall t, In t (terms r) -> Rabs (at_element y (fst t)) <= p2 128) ->
  row_premise y F r -> scaled (scaled_parts y consts factors r) o ->
  exists v, o = Some v /\ row_holds y float32 F 0 r v.
Proof.
  intros y F consts factors r o HF [Hc Ht Hsc Hg Hs Hu HM Hb] Hy Hp He. set (l := scaled_parts y consts factors r) in *.
  assert (Sums : forall (f : part -> R) (g : float -> R) (h : int * float -> R),
    (forall c v, V v = fst c * snd c -> f (fst c, Addend (snd c)) = g v) ->
    (forall c t, V (snd t) = fst c * snd c -> f (fst c, Product (snd c) (at_element y (fst t))) = h t) ->
    sum f l = sum g (constants r) + sum h (terms r)).
  { intros f g h Hf Hh. unfold l, scaled_parts. rewrite sum_app, !sum_map. f_equal.
    - clear - Hc Hf. induction Hc as [| c v cs vs H _ IH]; [reflexivity |]. change (sum ?k (?a :: ?m)) with (k a + sum k m). cbv beta. now rewrite IH, (Hf c v H).
    - clear - Ht Hh. induction Ht as [| c t cs ts (H & _) _ IH]; [reflexivity |]. cbn [combine]. change (sum ?k (?a :: ?m)) with (k a + sum k m). cbv beta.
      now rewrite IH, <- (Hh c t H). }
  assert (Hvalue : scaled_value l = sum V (constants r) + weighted_sum y (terms r)).
  { apply (Sums (fun p => fst p * leaf_value (snd p)) V (fun t => V (snd t) * at_element y (fst t))); intros c v E; cbn; rewrite E; ring. }
  assert (Hsize : scaled_size l = sum (fun c => Rabs (V c)) (constants r) + absolute_sum y (terms r)).
  { apply (Sums (fun p => Rabs (fst p) * leaf_size (snd p)) (fun c => Rabs (V c)) (fun t => Rabs (V (snd t)) * Rabs (at_element y (fst t))));
      intros c v E; cbn; rewrite E, Rabs_mult; ring. }
  assert (Hops : scaled_operands l = operands_sum y (terms r)).
  { rewrite <- (Rplus_0_l (operands_sum y (terms r))), <- (sum_zero float (constants r)).
    apply (Sums part_operands (fun _ => 0) (fun t => Rabs (V (snd t)) + Rabs (at_element y (fst t)))); intros c v E; unfold part_operands; cbn; [reflexivity | now rewrite E]. }
  assert (Hlen : length l = (length (constants r) + length (terms r))%nat).
  { unfold l, scaled_parts. rewrite app_length, !map_length, combine_length, (forall2_length _ _ _ _ _ Hc), (forall2_length _ _ _ _ _ Ht). lia. }
  assert (Hok : Forall (part_ok F) l /\ Forall weight_ok l).
  { apply Forall_app in Hsc. destruct Hsc as (S1 & S2). unfold l, scaled_parts. split; apply Forall_app; split.
    - apply Forall_map. eapply Forall_impl; [| exact S1]. intros c H. split; [exact H | exact I].
    - apply Forall_map. clear - Ht S2 Hy. induction Ht as [| c t cs ts (_ & Hw & _) _ IH]; [constructor |]. inversion S2; subst. cbn [combine]. constructor.
      + split; [assumption |]. split; [exact Hw | apply Hy; now left].
      + apply IH; [assumption | intros; apply Hy; now right].
    - apply Forall_map, Forall_forall. intros c _ _. exact I.
    - apply Forall_map. clear - Ht. induction Ht as [| c t cs ts (E & _ & Hw) _ IH]; [constructor |]. cbn [combine]. constructor; [| exact IH].
      intros H1. cbn in *. rewrite <- E. now apply Hw. }
  destruct Hok as (Hok & Hw). rewrite <- Hlen in Hg, Hu. pose proof (scaled_size_nonnegative l) as HS. pose proof (pos_INR (length l)) as H0.
  assert (Hle : scaled_size l <= row_size y r) by (unfold row_size; lra).
  assert (Hgam : 0 <= gamma (V (gamma_count r))).
  { unfold gamma. apply Rmult_le_pos; [rewrite u32_value; lra |]. left. apply Rinv_0_lt_compat. rewrite u32_value. lra. }
  assert (Hprem : scaled_premise F l).
  { unfold scaled_premise, row_premise in *. rewrite <- Hg.
    assert ((1 + gamma (V (gamma_count r))) * F * scaled_size l <= (1 + gamma (V (gamma_count r))) * F * row_size y r).
    { apply Rmult_le_compat_l; [apply Rmult_le_pos; lra | exact Hle]. } lra. }
  destruct (every_scaled_evaluation_is_within_the_error F l o (V (bias r) + weighted_sum y (terms r))) as (v & -> & Hv); auto.
  { lra. }
  { rewrite Hvalue. replace (V (bias r) + weighted_sum y (terms r) - (sum V (constants r) + weighted_sum y (terms r))) with (V (bias r) - sum V (constants r)) by ring.
    eapply Rle_trans; [exact Hb |]. apply Rmult_le_compat_l; [apply bpow_ge_0 |]. rewrite Hsize.
    assert (0 <= absolute_sum y (terms r)) by (apply sum_nonnegative; intros; apply Rmult_le_pos; apply Rabs_pos). lra. }
  exists v. split; [reflexivity |]. unfold row_holds, row_error. eapply Rle_trans; [exact Hv |]. unfold scaled_error.
  rewrite <- Hg, Hu, Hops, Rplus_0_r. apply Rplus_le_compat_r, Rmult_le_compat_l; assumption.
Qed.
