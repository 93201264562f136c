(* Every covered evaluation of a BatchNormalization is inside the float32 relation of its
   row (spec/operators.md sections 4 and 5), and does not overflow under the premise:
   x*w + (B - mu*w) or (x - mu)*w + B, with w = s / sqrt(v + eps) or s * (1 / sqrt(v + eps)),
   every operation rounded to binary32 or wider, products fused or not, flushed or not.

   Relies on SumTrees. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Lra Lia Psatz.
From AxiomProofs Require Import Lists SumTrees Binary64 Semantics.
Import ListNotations.
Local Open Scope R_scope.

(* First P, then Q on its result; an infinity or what is not a number stays one. *)
Definition after (P : option R -> Prop) (Q : R -> option R -> Prop) (o : option R) : Prop :=
  P None /\ o = None \/ exists r, P (Some r) /\ Q r o.

Section Evaluations.
  Variables (s B mu v eps x : R).

  (* Results of operations that the next one reads as zero are covered by passes. *)
  Definition root (o : option R) : Prop :=
    after (fun o => exists v' e', operand v v' /\ operand eps e' /\ passes (v' + e') o) (fun a o => passes (sqrt a) o) o.

  Definition weight (o : option R) : Prop :=
    after root (fun r o => exists s', operand s s' /\
      (r = 0 /\ o = None \/ r <> 0 /\ passes (s' / r) o \/ r <> 0 /\ after (passes (/ r)) (fun i o => passes (s' * i) o) o)) o.

  (* x*w + (B - mu*w) *)
  Definition shift (w : R) (o : option R) : Prop :=
    exists B' mu', operand B B' /\ operand mu mu' /\ (after (passes (mu' * w)) (fun p o => passes (B' - p) o) o \/ passes (B' - mu' * w) o).
  Definition shifted_last (w : R) (o : option R) : Prop :=
    after (shift w) (fun z o => exists x', operand x x' /\ (after (passes (x' * w)) (fun m o => passes (m + z) o) o \/ passes (x' * w + z) o)) o.

  (* (x - mu)*w + B *)
  Definition centred_first (w : R) (o : option R) : Prop :=
    after (fun o => exists x' mu', operand x x' /\ operand mu mu' /\ passes (x' - mu') o)
      (fun c o => exists B', operand B B' /\ (after (passes (c * w)) (fun m o => passes (m + B') o) o \/ passes (c * w + B') o)) o.

  Definition normalizes (o : option R) : Prop := after weight (fun w o => shifted_last w o \/ centred_first w o) o.

  (* ---- *)

  Definition finite_with (A : R -> Prop) (P : option R -> Prop) : Prop := forall o, P o -> exists r, o = Some r /\ A r.

  Lemma after_finite : forall (A C : R -> Prop) P Q, finite_with A P -> (forall r, A r -> finite_with C (Q r)) -> finite_with C (after P Q).
  Proof.
    intros A C P Q HP HQ o [(H & _) | (r & H & Ho)].
    - destruct (HP _ H) as (r & E & _). discriminate.
    - destruct (HP _ H) as (r' & E & HA). injection E as <-. exact (HQ r HA o Ho).
  Qed.

  Lemma passes_near : forall t e y, Rabs (y - t) <= e -> Rabs t + e <= p2 127 + p2 61 ->
    finite_with (fun r => Rabs (r - t) <= D * Rabs t + (1 + / 1000000) * e + eta) (passes y).
  Proof.
    intros t e y He Hb o H. pose proof D_bounds as HD. pose proof (Rabs_pos (y - t)) as Hp. pose proof (Rabs_pos t).
    assert (Hy : Rabs y <= Rabs t + e).
    { replace y with (t + (y - t)) by ring. eapply Rle_trans; [apply Rabs_triang | lra]. }
    destruct o as [r |].
    - exists r. split; [reflexivity |]. apply passes_error in H. replace (r - t) with ((r - y) + (y - t)) by ring.
      eapply Rle_trans; [apply Rabs_triang |]. assert (D * Rabs y <= D * (Rabs t + e)) by (apply Rmult_le_compat_l; lra).
      assert (D * e <= / 1000000 * e) by (apply Rmult_le_compat_r; lra). lra.
    - exfalso. apply passes_overflow in H. assert ((1 + D) * Rabs y <= (1 + / 16777214) * (p2 127 + p2 61)).
      { apply Rmult_le_compat; try apply Rabs_pos; lra. }
      assert (eta <= 1) by (unfold eta; simpl; lra). unfold overflow32 in *. simpl in *. lra.
  Qed.

  Hypothesis variance : p2 (-61) <= v + eps <= p2 61.
  Hypothesis scale : s = 0 \/ eta <= Rabs s <= p2 60.
  Hypothesis mean : Rabs mu <= p2 60.
  Hypothesis value_range : Rabs x <= p2 127.

  Let r0 := sqrt (v + eps).
  Let w0 := s / r0.

  Lemma eta_small : 0 < eta /\ eta <= p2 (-61) * (u32 * u32) /\ eta <= u32 * u32.
  Proof. split; [apply eta_positive |]. unfold eta. rewrite u32_value. simpl. lra. Qed.

  Lemma r0_bounds : p2 (-31) <= r0 <= p2 31 /\ r0 * r0 = v + eps.
  Proof.
    destruct variance as (H1 & H2). assert (Hr : r0 * r0 = v + eps) by (apply sqrt_sqrt; pose proof (bpow_gt_0 radix2 (-61)); lra).
    pose proof (sqrt_pos (v + eps)) as Hp. fold r0 in Hp. split; [| exact Hr]. simpl in *. split; nra.
  Qed.

  Lemma operand_near : forall a a', operand a a' -> Rabs (a' - a) <= eta /\ Rabs a' <= Rabs a.
  Proof.
    intros a a' H. pose proof eta_positive. pose proof (Rabs_pos a). destruct H as [a | a H].
    - replace (a - a) with 0 by ring. rewrite Rabs_R0. lra.
    - replace (0 - a) with (- a) by ring. rewrite Rabs_Ropp, Rabs_R0. lra.
  Qed.

  Lemma root_near : finite_with (fun r => Rabs (r - r0) <= 16 / 10 * D * r0) root.
  Proof.
    destruct r0_bounds as (Hr & Hsq). destruct eta_small as (E0 & E1 & E2). pose proof D_bounds as HD.
    assert (Hu : u32 <= D) by (unfold D; rewrite u32_value; lra).
    apply after_finite with (A := fun a => Rabs (a - (v + eps)) <= 11 / 10 * D * (v + eps)).
    - intros o (v' & e' & Hv & He & Hp). destruct (operand_near _ _ Hv) as (V1 & _). destruct (operand_near _ _ He) as (V2 & _).
      destruct variance as (T1 & T2). assert (HT : 0 < v + eps) by (pose proof (bpow_gt_0 radix2 (-61)); lra).
      destruct (passes_near (v + eps) (2 * eta) (v' + e')) with (o := o) as (r & -> & H); auto.
      + replace (v' + e' - (v + eps)) with ((v' - v) + (e' - eps)) by ring. eapply Rle_trans; [apply Rabs_triang | lra].
      + rewrite Rabs_pos_eq by lra. rewrite u32_value in *. simpl in *. lra.
      + exists r. split; [reflexivity |]. rewrite (Rabs_pos_eq (v + eps)) in H by lra.
        assert (X : eta <= (v + eps) * (u32 * u32)) by (eapply Rle_trans; [exact E1 |]; apply Rmult_le_compat_r; [rewrite u32_value; lra | exact T1]).
        assert (Y : (v + eps) * (u32 * u32) <= (v + eps) * (D / 100)) by (apply Rmult_le_compat_l; [lra | unfold D in *; rewrite u32_value in *; lra]).
        lra.
    - intros a Ha o Hp. apply Rabs_le_inv in Ha.
      assert (HT : 0 < v + eps) by (destruct variance as (T1 & _); pose proof (bpow_gt_0 radix2 (-61)); lra).
      set (T := v + eps) in *.
      assert (Ha0 : 99 / 100 * T <= a) by nra.
      set (q := sqrt a) in *. assert (Hq : q * q = a) by (apply sqrt_sqrt; lra). assert (Hq0 : 0 <= q) by apply sqrt_pos.
      assert (R0 : 0 < r0) by (pose proof (bpow_gt_0 radix2 (-31)); lra).
      assert (Hql : 99 / 100 * r0 <= q) by (apply Rnot_lt_le; intros Hlt; assert (q * q < 99 / 100 * r0 * r0) by nra; nra).
      assert (Hd : Rabs (q - r0) <= 56 / 100 * D * r0).
      { assert (Hprod : (q - r0) * (q + r0) = a - T) by (rewrite <- Hq, <- Hsq; ring).
        apply Rabs_le. assert (0 <= D * r0) by (apply Rmult_le_pos; lra). split; apply Rmult_le_reg_r with (q + r0); try lra; rewrite Hprod.
        - rewrite <- Hsq in Ha. assert (D * r0 * (199 / 100 * r0) <= D * r0 * (q + r0)) by (apply Rmult_le_compat_l; lra). lra.
        - rewrite <- Hsq in Ha. assert (D * r0 * (199 / 100 * r0) <= D * r0 * (q + r0)) by (apply Rmult_le_compat_l; lra). lra. }
      destruct (passes_near r0 (56 / 100 * D * r0) q Hd) with (o := o) as (r & -> & H); [| exact Hp |].
      + rewrite Rabs_pos_eq by lra. assert (D * r0 <= 1 * r0) by (apply Rmult_le_compat_r; lra). simpl in *. lra.
      + exists r. split; [reflexivity |]. rewrite (Rabs_pos_eq r0) in H by lra.
        assert (X : eta <= / 100 * D * r0).
        { apply Rle_trans with (u32 * u32 * p2 (-61)); [lra |]. apply Rle_trans with (/ 100 * D * p2 (-31)); [| apply Rmult_le_compat_l; lra].
          unfold D. rewrite u32_value. simpl. lra. }
        assert (0 <= D * r0) by (apply Rmult_le_pos; lra). lra.
  Qed.

  Lemma w0_bounds : w0 = s * / r0 /\ p2 (-31) <= / r0 <= p2 31 /\ Rabs w0 = Rabs s * / r0 /\ Rabs w0 <= p2 91.
  Proof.
    destruct r0_bounds as ((H1 & H2) & _). assert (Hp : 0 < p2 (-31)) by apply bpow_gt_0.
    assert (Hi : p2 (-31) <= / r0 <= p2 31).
    { split.
      - rewrite (bpow_opp radix2 31 : p2 (-31) = / p2 31). apply Rinv_le; lra.
      - rewrite (bpow_opp radix2 (-31) : p2 31 = / p2 (-31)). apply Rinv_le; lra. }
    split; [reflexivity |]. split; [exact Hi |]. assert (E : Rabs w0 = Rabs s * / r0) by (unfold w0, Rdiv; rewrite Rabs_mult, (Rabs_pos_eq (/ r0)); lra).
    assert (Hs60 : Rabs s <= p2 60) by (destruct scale as [-> | H]; [rewrite Rabs_R0; apply bpow_ge_0 | lra]).
    split; [exact E |]. rewrite E. replace (p2 91) with (p2 60 * p2 31) by (rewrite <- bpow_plus; reflexivity). pose proof (Rabs_pos s).
    apply Rmult_le_compat; lra.
  Qed.

  Lemma weight_near : finite_with (fun w => Rabs (w - w0) <= 37 / 10 * D * Rabs w0 + eta) weight.
  Proof.
    destruct r0_bounds as ((Hr1 & Hr2) & _). destruct w0_bounds as (Ew & (Hi1 & Hi2) & Ea & Hw). pose proof D_bounds as HD. destruct eta_small as (E0 & E1 & E2).
    assert (Hp31 : 0 < p2 (-31)) by apply bpow_gt_0. assert (R0 : 0 < r0) by lra. set (i0 := / r0) in *.
    eapply after_finite; [exact root_near |]. intros r Hr o (s' & Hs & Ho). apply Rabs_le_inv in Hr.
    assert (Hs' : s' = s).
    { destruct Hs as [| s' H]; [reflexivity |]. destruct scale as [-> | Hsc]; [reflexivity | lra]. } subst s'. clear Hs.
    assert (HDr : 0 <= D * r0 <= / 1000000 * r0) by (split; [apply Rmult_le_pos | apply Rmult_le_compat_r]; lra).
    assert (Hrp : 0 < r) by lra. pose proof (Rabs_pos s) as Ps.
    assert (Hk : Rabs (/ r - i0) <= 161 / 100 * D * i0).
    { assert (Hki : / r - i0 = (r0 - r) * i0 * / r) by (unfold i0; field; lra). rewrite Hki, !Rabs_mult, (Rabs_pos_eq i0), (Rabs_pos_eq (/ r)) by (try (left; now apply Rinv_0_lt_compat); lra).
      assert (Hir : / r <= 1000 / 999 * i0).
      { replace (1000 / 999 * i0) with (/ (999 / 1000 * r0)) by (unfold i0; field; lra). apply Rinv_le; lra. }
      assert (Hd : Rabs (r0 - r) * i0 <= 16 / 10 * D).
      { replace (16 / 10 * D) with (16 / 10 * D * r0 * i0) by (unfold i0; field; lra). apply Rmult_le_compat_r; [lra |]. apply Rabs_le. lra. }
      assert (0 <= Rabs (r0 - r) * i0) by (apply Rmult_le_pos; [apply Rabs_pos | lra]).
      apply Rle_trans with (16 / 10 * D * (1000 / 999 * i0)); [apply Rmult_le_compat; try lra; left; now apply Rinv_0_lt_compat |].
      assert (0 <= D * i0) by (apply Rmult_le_pos; lra). lra. }
    assert (Hnear : forall c k, 0 <= c <= 1000 -> Rabs (k - i0) <= c * D * i0 -> Rabs (s * k - w0) <= c * D * Rabs w0).
    { intros c k Hc H. rewrite Ea, Ew. replace (s * k - s * i0) with (s * (k - i0)) by ring. rewrite Rabs_mult.
      replace (c * D * (Rabs s * i0)) with (Rabs s * (c * D * i0)) by ring. now apply Rmult_le_compat_l. }
    assert (Hbig : forall c, 0 <= c <= 1000 -> Rabs w0 + c * D * Rabs w0 <= p2 127 + p2 61).
    { intros c Hc. pose proof (Rabs_pos w0). assert (c * D * Rabs w0 <= 1 * Rabs w0) by (apply Rmult_le_compat_r; [apply Rabs_pos | nra]). simpl in *. lra. }
    assert (HDw : 0 <= D * Rabs w0) by (apply Rmult_le_pos; [lra | apply Rabs_pos]).
    destruct Ho as [(-> & _) | [(_ & H) | (_ & H)]]; [lra | |].
    - destruct (passes_near w0 (161 / 100 * D * Rabs w0) (s / r)) with (o := o) as (w & -> & Hw1); [apply Hnear; [lra | exact Hk] | apply Hbig; lra | exact H |].
      exists w. split; [reflexivity | lra].
    - assert (Fin : finite_with (fun w => Rabs (w - w0) <= 37 / 10 * D * Rabs w0 + eta) (after (passes (/ r)) (fun i o => passes (s * i) o))); [| now apply Fin].
      apply after_finite with (A := fun i => Rabs (i - i0) <= 265 / 100 * D * i0).
      + intros oi Hoi. destruct (passes_near i0 (161 / 100 * D * i0) (/ r) Hk) with (o := oi) as (i & -> & Hi); [| exact Hoi |].
        { rewrite Rabs_pos_eq by lra. assert (D * i0 <= 1 * i0) by (apply Rmult_le_compat_r; lra). simpl in *. lra. }
        exists i. split; [reflexivity |]. rewrite (Rabs_pos_eq i0) in Hi by lra.
        assert (X : eta <= / 100 * D * i0).
        { apply Rle_trans with (p2 (-61) * (u32 * u32)); [lra |]. apply Rle_trans with (/ 100 * D * p2 (-31)); [| apply Rmult_le_compat_l; lra].
          unfold D. rewrite u32_value. simpl. lra. }
        assert (0 <= D * i0) by (apply Rmult_le_pos; lra). lra.
      + intros i Hi ow How. destruct (passes_near w0 (265 / 100 * D * Rabs w0) (s * i)) with (o := ow) as (w & -> & Hw1); [apply Hnear; [lra | exact Hi] | apply Hbig; lra | exact How |].
        exists w. split; [reflexivity | lra].
  Qed.

  Hypothesis total : Rabs x * Rabs w0 + Rabs mu * Rabs w0 + Rabs B <= p2 126.

  Lemma figures : let X := Rabs x in let U := Rabs mu in let W := Rabs w0 in
    0 <= X /\ 0 <= U /\ 0 <= W /\ 0 <= Rabs B /\ 0 <= X * W /\ 0 <= U * W /\ 0 < eta /\ eta * X <= 2 /\ eta * U <= 1 /\ eta * W <= 1 /\
    0 <= eta * X /\ 0 <= eta * U /\ 0 <= eta * W /\ 0 <= D * (X * W) <= / 1000000 * (X * W) /\ 0 <= D * (U * W) <= / 1000000 * (U * W) /\
    0 <= D * Rabs B <= / 1000000 * Rabs B /\ eta <= / 1000000.
  Proof.
    intros X U W. pose proof D_bounds as HD. pose proof eta_positive as He. destruct w0_bounds as (_ & _ & _ & Hw).
    pose proof (Rabs_pos x : 0 <= X). pose proof (Rabs_pos mu : 0 <= U). pose proof (Rabs_pos w0 : 0 <= W). pose proof (Rabs_pos B).
    assert (0 <= X * W) by (apply Rmult_le_pos; assumption). assert (0 <= U * W) by (apply Rmult_le_pos; assumption).
    assert (HX : eta * X <= eta * p2 127) by (apply Rmult_le_compat_l; [lra | exact value_range]).
    assert (HU : eta * U <= eta * p2 60) by (apply Rmult_le_compat_l; [lra | exact mean]).
    assert (HW : eta * W <= eta * p2 91) by (apply Rmult_le_compat_l; [lra | exact Hw]).
    assert (E : eta * p2 127 = 2 /\ eta * p2 60 <= 1 /\ eta * p2 91 <= 1 /\ eta <= / 1000000) by (unfold eta; simpl; lra).
    assert (forall z, 0 <= z -> 0 <= D * z <= / 1000000 * z) by (intros z Hz; split; [apply Rmult_le_pos | apply Rmult_le_compat_r]; lra).
    assert (forall z, 0 <= z -> 0 <= eta * z) by (intros z Hz; apply Rmult_le_pos; lra).
    repeat split; auto; try lra; try (now apply H4); try (now apply H5).
  Qed.

  Lemma product_near : forall a a' w, operand a a' -> Rabs (w - w0) <= 37 / 10 * D * Rabs w0 + eta ->
    Rabs (a' * w - a * w0) <= 37 / 10 * (D * (Rabs a * Rabs w0)) + eta * Rabs a + eta * Rabs w0.
  Proof.
    intros a a' w Ha Hw. pose proof D_bounds. pose proof eta_positive. pose proof (Rabs_pos a). pose proof (Rabs_pos w0).
    assert (0 <= Rabs a * Rabs w0) by (apply Rmult_le_pos; assumption). assert (0 <= D * (Rabs a * Rabs w0)) by (apply Rmult_le_pos; lra).
    assert (0 <= eta * Rabs a) by (apply Rmult_le_pos; lra). assert (0 <= eta * Rabs w0) by (apply Rmult_le_pos; lra).
    destruct Ha as [a | a Ha].
    - replace (a * w - a * w0) with (a * (w - w0)) by ring. rewrite Rabs_mult.
      assert (Rabs a * Rabs (w - w0) <= Rabs a * (37 / 10 * D * Rabs w0 + eta)) by (apply Rmult_le_compat_l; assumption). lra.
    - replace (0 * w - a * w0) with (- (a * w0)) by ring. rewrite Rabs_Ropp, Rabs_mult.
      assert (Rabs a * Rabs w0 <= eta * Rabs w0) by (apply Rmult_le_compat_r; lra). lra.
  Qed.

  Lemma difference_near : forall a a' b b' ea eb, Rabs (a' - a) <= ea -> Rabs (b' - b) <= eb -> Rabs (a' - b' - (a - b)) <= ea + eb.
  Proof. intros. replace (a' - b' - (a - b)) with ((a' - a) + - (b' - b)) by ring. eapply Rle_trans; [apply Rabs_triang |]. rewrite Rabs_Ropp. lra. Qed.

  Lemma sum_near : forall a a' b b' ea eb, Rabs (a' - a) <= ea -> Rabs (b' - b) <= eb -> Rabs (a' + b' - (a + b)) <= ea + eb.
  Proof. intros. replace (a' + b' - (a + b)) with ((a' - a) + (b' - b)) by ring. eapply Rle_trans; [apply Rabs_triang |]. lra. Qed.

  Let W := Rabs w0.
  Let X := Rabs x.
  Let U := Rabs mu.

  Lemma shift_near : forall w, Rabs (w - w0) <= 37 / 10 * D * W + eta ->
    finite_with (fun z => Rabs (z - (B - mu * w0)) <= 6 * (D * Rabs B + D * (U * W)) + 11 / 10 * (eta * U + eta * W + 4 * eta)) (shift w).
  Proof.
    intros w Hw o (B' & mu' & HB & Hmu & Ho). pose proof figures as Fg. cbv zeta in Fg. fold X U W in Fg. fold X U W in total.
    destruct (operand_near _ _ HB) as (B1 & _). pose proof (product_near _ _ _ Hmu Hw) as Hp. fold U W in Hp.
    assert (Ht : Rabs (mu * w0) = U * W) by apply Rabs_mult.
    assert (Htb : Rabs (B - mu * w0) <= Rabs B + U * W) by (unfold Rminus; eapply Rle_trans; [apply Rabs_triang |]; rewrite Rabs_Ropp, Ht; lra).
    assert (HDt : D * Rabs (B - mu * w0) <= D * (Rabs B + U * W)) by (apply Rmult_le_compat_l; [pose proof D_bounds; lra | exact Htb]).
    assert (Hlim : 10 <= p2 61) by (simpl; lra). assert (H126 : p2 127 = 2 * p2 126) by (simpl; lra). assert (H0 : 1 <= p2 126) by (simpl; lra).
    destruct Ho as [Ho | Ho].
    - revert o Ho. apply after_finite with (A := fun p => Rabs (p - mu * w0) <= 471 / 100 * (D * (U * W)) + 101 / 100 * (eta * U + eta * W + eta)).
      + intros o Ho. destruct (passes_near (mu * w0) _ _ Hp) with (o := o) as (p & -> & H); [rewrite Ht; lra | exact Ho |].
        exists p. split; [reflexivity |]. rewrite Ht in H. lra.
      + intros p Hpn o Ho. destruct (passes_near (B - mu * w0) _ _ (difference_near _ _ _ _ _ _ B1 Hpn)) with (o := o) as (z & -> & H); [lra | exact Ho |].
        exists z. split; [reflexivity |]. lra.
    - destruct (passes_near (B - mu * w0) _ _ (difference_near _ _ _ _ _ _ B1 Hp)) with (o := o) as (z & -> & H); [lra | exact Ho |].
      exists z. split; [reflexivity |]. lra.
  Qed.

  Definition exact_result : R := x * w0 + (B - mu * w0).
  Definition normalization_error : R := 8 * (D * (X * W) + D * (U * W) + D * Rabs B) + 2 * (eta * X + eta * U + 2 * (eta * W) + 6 * eta).

  Lemma exact_size : Rabs exact_result <= X * W + (Rabs B + U * W).
  Proof.
    unfold exact_result. eapply Rle_trans; [apply Rabs_triang |]. rewrite Rabs_mult. apply Rplus_le_compat_l.
    unfold Rminus. eapply Rle_trans; [apply Rabs_triang |]. rewrite Rabs_Ropp, Rabs_mult. apply Rle_refl.
  Qed.

  Lemma shifted_last_near : forall w, Rabs (w - w0) <= 37 / 10 * D * W + eta ->
    finite_with (fun r => Rabs (r - exact_result) <= normalization_error) (shifted_last w).
  Proof.
    intros w Hw. eapply after_finite; [now apply shift_near |]. intros z Hz o (x' & Hx & Ho). unfold normalization_error.
    pose proof figures as Fg. cbv zeta in Fg. fold X U W in Fg. fold X U W in total.
    pose proof (product_near _ _ _ Hx Hw) as Hp. fold X W in Hp. pose proof exact_size as Hs.
    assert (Ht : Rabs (x * w0) = X * W) by apply Rabs_mult.
    assert (HDt : D * Rabs exact_result <= D * (X * W + (Rabs B + U * W))) by (apply Rmult_le_compat_l; [pose proof D_bounds; lra | exact Hs]).
    assert (Hlim : 100 <= p2 61) by (simpl; lra). assert (H126 : p2 127 = 2 * p2 126) by (simpl; lra). assert (H0 : 1 <= p2 126) by (simpl; lra).
    destruct Ho as [Ho | Ho].
    - revert o Ho. apply after_finite with (A := fun m => Rabs (m - x * w0) <= 471 / 100 * (D * (X * W)) + 101 / 100 * (eta * X + eta * W + eta)).
      + intros o Ho. destruct (passes_near (x * w0) _ _ Hp) with (o := o) as (m & -> & H); [rewrite Ht; lra | exact Ho |].
        exists m. split; [reflexivity |]. rewrite Ht in H. lra.
      + intros m Hm o Ho. destruct (passes_near exact_result _ _ (sum_near _ _ _ _ _ _ Hm Hz)) with (o := o) as (r & -> & H); [lra | exact Ho |].
        exists r. split; [reflexivity |]. lra.
    - destruct (passes_near exact_result _ _ (sum_near _ _ _ _ _ _ Hp Hz)) with (o := o) as (r & -> & H); [lra | exact Ho |].
      exists r. split; [reflexivity |]. lra.
  Qed.

  Lemma centred_first_near : forall w, Rabs (w - w0) <= 37 / 10 * D * W + eta ->
    finite_with (fun r => Rabs (r - exact_result) <= normalization_error) (centred_first w).
  Proof.
    intros w Hw. pose proof figures as Fg. cbv zeta in Fg. fold X U W in Fg. fold X U W in total. pose proof exact_size as Hs. pose proof D_bounds as HD.
    assert (HDt : D * Rabs exact_result <= D * (X * W + (Rabs B + U * W))) by (apply Rmult_le_compat_l; [lra | exact Hs]).
    assert (Hlim : 100 <= p2 61) by (simpl; lra). assert (H126 : p2 127 = 2 * p2 126) by (simpl; lra). assert (H0 : 1 <= p2 126) by (simpl; lra).
    assert (Hxm : Rabs (x - mu) <= X + U) by (unfold Rminus; eapply Rle_trans; [apply Rabs_triang |]; rewrite Rabs_Ropp; apply Rle_refl).
    assert (HDx : D * Rabs (x - mu) <= D * (X + U)) by (apply Rmult_le_compat_l; [lra | exact Hxm]).
    apply after_finite with (A := fun c => Rabs (c - (x - mu)) <= D * (X + U) + 31 / 10 * eta).
    - intros o (x' & mu' & Hx & Hmu & Ho). destruct (operand_near _ _ Hx) as (X1 & _). destruct (operand_near _ _ Hmu) as (U1 & _).
      destruct (passes_near (x - mu) _ _ (difference_near _ _ _ _ _ _ X1 U1)) with (o := o) as (c & -> & H); [| exact Ho |].
      + pose proof mean as Hm. pose proof value_range as Hv. fold X in Hv. fold U in Hm. simpl in *. lra.
      + exists c. split; [reflexivity |]. lra.
    - intros c Hc o (B' & HB & Ho). destruct (operand_near _ _ HB) as (B1 & _). unfold normalization_error.
      assert (Hcw : Rabs (c * w - (x - mu) * w0) <= 471 / 100 * (D * (X * W) + D * (U * W)) + 101 / 100 * (eta * X + eta * U) + 33 / 10 * (eta * W) + / 10 * eta).
      { replace (c * w - (x - mu) * w0) with (c * (w - w0) + (c - (x - mu)) * w0) by ring. eapply Rle_trans; [apply Rabs_triang |]. rewrite !Rabs_mult. fold W.
        assert (Hcs : Rabs c <= 1001 / 1000 * (X + U) + 31 / 10 * eta).
        { replace c with ((x - mu) + (c - (x - mu))) at 1 by ring. eapply Rle_trans; [apply Rabs_triang |].
          assert (D * (X + U) <= / 1000000 * (X + U)) by (apply Rmult_le_compat_r; lra). lra. }
        assert (P1 : Rabs c * Rabs (w - w0) <= (1001 / 1000 * (X + U) + 31 / 10 * eta) * (37 / 10 * D * W + eta)) by (apply Rmult_le_compat; try apply Rabs_pos; assumption).
        assert (P2 : Rabs (c - (x - mu)) * W <= (D * (X + U) + 31 / 10 * eta) * W) by (apply Rmult_le_compat_r; lra).
        assert (P3 : D * (eta * W) <= / 1000000 * (eta * W)) by (apply Rmult_le_compat_r; lra).
        assert (P4 : eta * eta <= / 1000000 * eta) by (apply Rmult_le_compat_r; lra). lra. }
      assert (Ht : Rabs ((x - mu) * w0) <= X * W + U * W).
      { rewrite Rabs_mult. fold W. apply Rle_trans with ((X + U) * W); [apply Rmult_le_compat_r; lra | lra]. }
      assert (HDm : D * Rabs ((x - mu) * w0) <= D * (X * W + U * W)) by (apply Rmult_le_compat_l; [lra | exact Ht]).
      assert (Ex : (x - mu) * w0 + B = exact_result) by (unfold exact_result; ring).
      destruct Ho as [Ho | Ho].
      + revert o Ho. apply after_finite with (A := fun m => Rabs (m - (x - mu) * w0) <= 572 / 100 * (D * (X * W) + D * (U * W)) + 102 / 100 * (eta * X + eta * U) + 34 / 10 * (eta * W) + 12 / 10 * eta).
        * intros o Ho. destruct (passes_near ((x - mu) * w0) _ _ Hcw) with (o := o) as (m & -> & H); [lra | exact Ho |].
          exists m. split; [reflexivity |]. lra.
        * intros m Hm o Ho. pose proof (sum_near _ _ _ _ _ _ Hm B1) as Hsn. rewrite Ex in Hsn.
          destruct (passes_near exact_result _ _ Hsn) with (o := o) as (r & -> & H); [lra | exact Ho |].
          exists r. split; [reflexivity |]. lra.
      + pose proof (sum_near _ _ _ _ _ _ Hcw B1) as Hsn. rewrite Ex in Hsn.
        destruct (passes_near exact_result _ _ Hsn) with (o := o) as (r & -> & H); [lra | exact Ho |].
        exists r. split; [reflexivity |]. lra.
  Qed.

  Theorem normalizes_near : finite_with (fun r => Rabs (r - exact_result) <= normalization_error) normalizes.
  Proof.
    eapply after_finite; [exact weight_near |]. intros w Hw o [H | H]; [now apply (shifted_last_near w Hw) | now apply (centred_first_near w Hw)].
  Qed.

  (* A channel of scale 0 does not depend on x. *)
  Lemma weight_zero : s = 0 -> forall w, weight (Some w) -> w = 0.
  Proof.
    intros Hs0 w Hw. destruct r0_bounds as ((Hr1 & _) & _). assert (Hp31 : 0 < p2 (-31)) by apply bpow_gt_0.
    destruct Hw as [(_ & E) | (r & Hr & s' & Hs & H)]; [discriminate |].
    assert (s' = 0) by (rewrite Hs0 in Hs; inversion Hs; reflexivity). subst s'.
    destruct H as [(_ & E) | [(_ & H) | (_ & [(_ & E) | (i & _ & H)])]]; try discriminate.
    - unfold Rdiv in H. rewrite Rmult_0_l in H. apply passes_zero in H. congruence.
    - rewrite Rmult_0_l in H. apply passes_zero in H. congruence.
  Qed.
End Evaluations.

Lemma zero_scale : forall B mu v eps x o, p2 (-61) <= v + eps <= p2 61 -> Rabs mu <= p2 60 -> Rabs x <= p2 127 ->
  normalizes 0 B mu v eps x o -> normalizes 0 B mu v eps 0 o.
Proof.
  intros B mu v eps x o Hv Hm Hx [(Hw & ->) | (w & Hw & H)]; [left; auto |].
  pose proof (weight_zero 0 v eps Hv eq_refl w Hw). subst w. right. exists 0. split; [exact Hw |].
  assert (Zero : forall P : R -> option R -> Prop, after (passes 0) P o -> P 0 o).
  { intros P [(E & _) | (m & E & HP)]; apply passes_zero in E; [discriminate | injection E as ->; exact HP]. }
  destruct H as [H | H].
  - left. destruct H as [H | (z & Hz & x' & _ & H)]; [now left |]. right. exists z. split; [exact Hz |]. exists 0. split; [constructor |].
    rewrite Rmult_0_r in *. exact H.
  - right. destruct H as [((x' & mu' & Hx' & Hmu & E) & _) | (c & (x' & mu' & Hx' & Hmu & E) & B' & HB & H)].
    + exfalso. destruct (operand_near _ _ Hx') as (_ & X1). destruct (operand_near _ _ Hmu) as (_ & U1). apply passes_overflow in E.
      assert (Rabs (x' - mu') <= p2 127 + p2 60) by (unfold Rminus; eapply Rle_trans; [apply Rabs_triang |]; rewrite Rabs_Ropp; lra).
      pose proof D_bounds. assert ((1 + D) * Rabs (x' - mu') <= (1 + / 16777214) * (p2 127 + p2 60)) by (apply Rmult_le_compat; try apply Rabs_pos; lra).
      assert (eta <= 1) by (unfold eta; simpl; lra). unfold overflow32 in *. simpl in *. lra.
    + right. exists (0 - mu'). split; [exists 0, mu'; split; [constructor | split; [exact Hmu | constructor]] |].
      exists B'. split; [exact HB |]. rewrite Rmult_0_r in *. exact H.
Qed.

(* ---- Rows *)

(* The figures that lowering gives to an entry, computed in binary64; a term of weight 0 is dropped. *)
Record normalized_row (s B mu v eps : R) (e : PrimInt63.int) (weight : PrimFloat.float) (r : row) : Prop := {
  nr_terms : s <> 0 /\ terms r = [(e, weight)] \/ s = 0 /\ terms r = [];
  nr_variance : p2 (-61) <= v + eps <= p2 61;
  nr_scale : s = 0 \/ eta <= Rabs s <= p2 60;
  nr_mean : Rabs mu <= p2 60;
  nr_weight : Rabs (V weight - s / sqrt (v + eps)) <= p2 (-50) * Rabs (s / sqrt (v + eps));
  nr_bias : Rabs (V (bias r) - (B - V weight * mu)) <= p2 (-50) * (Rabs (V weight) * Rabs mu + Rabs B);
  nr_magnitude : Rabs (V weight) * Rabs mu + Rabs B <= V (magnitude r);
  nr_gamma : V (gamma_count r) = 12;
  nr_underflow : Rabs (V (underflow_count r) - (8 + 4 * Rabs mu + 4 * Rabs s)) <= p2 (-50) * (8 + 4 * Rabs mu + 4 * Rabs s)
}.

(* The relation, for numbers *)
Lemma normalized_near : forall s B mu v eps x w b M c0 o,
  p2 (-61) <= v + eps <= p2 61 -> s = 0 \/ eta <= Rabs s <= p2 60 -> Rabs mu <= p2 60 -> Rabs x <= p2 127 ->
  Rabs (w - s / sqrt (v + eps)) <= p2 (-50) * Rabs (s / sqrt (v + eps)) ->
  Rabs (b - (B - w * mu)) <= p2 (-50) * (Rabs w * Rabs mu + Rabs B) -> Rabs w * Rabs mu + Rabs B <= M ->
  Rabs (c0 - (8 + 4 * Rabs mu + 4 * Rabs s)) <= p2 (-50) * (8 + 4 * Rabs mu + 4 * Rabs s) ->
  (1 + gamma 12) * 4 * (M + Rabs w * Rabs x) + 1 < p2 127 -> normalizes s B mu v eps x o ->
  exists z, o = Some z /\ Rabs (z - (b + w * x)) <= (gamma 12 + p2 (-48)) * (M + Rabs w * Rabs x) + 2 * eta * 4 * (c0 + (Rabs w + Rabs x)).
Proof.
  intros s B mu v eps x w b M c0 o Hv Hs Hm Hx Hw Hb HM Hu Hp Ho. set (w0 := s / sqrt (v + eps)) in *.
  assert (Hgam : 12 * u32 <= gamma 12 <= / 1000).
  { unfold gamma. rewrite u32_value. lra. }
  set (X := Rabs x) in *. set (U := Rabs mu) in *. set (W := Rabs w0) in *. set (Y := Rabs w) in *.
  assert (P : 0 <= X /\ 0 <= U /\ 0 <= W /\ 0 <= Y /\ 0 <= Rabs B) by (repeat split; apply Rabs_pos). destruct P as (PX & PU & PW & PY & PB).
  assert (E50 : p2 (-50) = / 1125899906842624) by reflexivity.
  assert (HWY : W <= (1 + 3 * p2 (-50)) * Y).
  { assert (W <= Y + Rabs (w - w0)).
    { unfold W. replace (Rabs w0) with (Rabs (w + - (w - w0))) by (f_equal; ring). eapply Rle_trans; [apply Rabs_triang |]. rewrite Rabs_Ropp. apply Rle_refl. }
    rewrite E50 in *. lra. }
  assert (HXW : X * W <= (1 + 3 * p2 (-50)) * (X * Y)) by (replace ((1 + 3 * p2 (-50)) * (X * Y)) with (X * ((1 + 3 * p2 (-50)) * Y)) by ring; now apply Rmult_le_compat_l).
  assert (HUW : U * W <= (1 + 3 * p2 (-50)) * (U * Y)) by (replace ((1 + 3 * p2 (-50)) * (U * Y)) with (U * ((1 + 3 * p2 (-50)) * Y)) by ring; now apply Rmult_le_compat_l).
  assert (PXY : 0 <= X * Y) by (apply Rmult_le_pos; assumption). assert (PUY : 0 <= U * Y) by (apply Rmult_le_pos; assumption).
  assert (PXW : 0 <= X * W) by (apply Rmult_le_pos; assumption). assert (PUW : 0 <= U * W) by (apply Rmult_le_pos; assumption).
  assert (HM' : U * Y + Rabs B <= M) by lra.
  assert (Htotal : X * W + U * W + Rabs B <= p2 126).
  { assert (4 * (M + Y * X) <= p2 127).
    { assert (0 <= gamma 12 * 4 * (M + Y * X)) by (apply Rmult_le_pos; [rewrite u32_value in *; lra | lra]). lra. }
    assert (E127 : p2 127 = 2 * p2 126) by (simpl; lra). rewrite E50 in *. lra. }
  destruct (normalizes_near s B mu v eps x Hv Hs Hm Hx Htotal o Ho) as (z & -> & Hz). exists z. split; [reflexivity |].
  unfold exact_result, normalization_error in Hz. fold w0 X U W in Hz.
  assert (Hcentre : Rabs (x * w0 + (B - mu * w0) - (b + w * x)) <= p2 (-50) * (X * W + U * W + (U * Y + Rabs B))).
  { replace (x * w0 + (B - mu * w0) - (b + w * x)) with (x * - (w - w0) + mu * (w - w0) + - (b - (B - w * mu))) by ring.
    eapply Rle_trans; [apply Rabs_triang |]. rewrite Rabs_Ropp. eapply Rle_trans; [apply Rplus_le_compat_r, Rabs_triang |].
    rewrite !Rabs_mult, Rabs_Ropp. fold X U. assert (X * Rabs (w - w0) <= X * (p2 (-50) * W)) by now apply Rmult_le_compat_l.
    assert (U * Rabs (w - w0) <= U * (p2 (-50) * W)) by now apply Rmult_le_compat_l. lra. }
  replace (z - (b + w * x)) with ((z - (x * w0 + (B - mu * w0))) + (x * w0 + (B - mu * w0) - (b + w * x))) by ring.
  eapply Rle_trans; [apply Rabs_triang |]. apply Rabs_le_inv in Hu. fold U in Hu. pose proof (Rabs_pos s) as Ps. pose proof eta_positive as He.
  (* the flushed part *)
  assert (F1 : 2 * (eta * X + eta * U + 2 * (eta * W) + 6 * eta) <= 2 * eta * 4 * (c0 + (Y + X))).
  { replace (2 * (eta * X + eta * U + 2 * (eta * W) + 6 * eta)) with (eta * (2 * (X + U + 2 * W + 6))) by ring.
    replace (2 * eta * 4 * (c0 + (Y + X))) with (eta * (8 * (c0 + (Y + X)))) by ring. apply Rmult_le_compat_l; [lra |]. rewrite E50 in *. lra. }
  (* the rounded part *)
  assert (HD : 8 * D <= 9 * u32) by (unfold D; rewrite u32_value; lra).
  assert (HDs : 8 * D * (X * W + U * W + Rabs B) <= 9 * u32 * (X * W + U * W + Rabs B)) by (apply Rmult_le_compat_r; lra).
  assert (G1 : 12 * u32 * (M + Y * X) <= gamma 12 * (M + Y * X)) by (apply Rmult_le_compat_r; lra).
  assert (G2 : 0 <= p2 (-48) * (M + Y * X)) by (apply Rmult_le_pos; [apply bpow_ge_0 | lra]).
  assert (F2 : 8 * (D * (X * W) + D * (U * W) + D * Rabs B) + p2 (-50) * (X * W + U * W + (U * Y + Rabs B)) <= (gamma 12 + p2 (-48)) * (M + Y * X)).
  { rewrite E50, u32_value in *. lra. }
  lra.
Qed.

Theorem every_evaluation_of_a_normalized_row_is_an_execution : forall y s B mu v eps e weight r o, normalized_row s B mu v eps e weight r ->
  Rabs (at_element y e) <= p2 127 -> row_premise y 4 r -> normalizes s B mu v eps (at_element y e) o ->
  exists z, o = Some z /\ row_holds y float32 4 (p2 (-48)) r z.
Proof.
  intros y s B mu v eps e weight r o [Ht Hv Hs Hm Hw Hb HM Hg Hu] Hx Hp Ho.
  unfold row_premise, row_holds, row_error, row_size in *. rewrite Hg in *. unfold weighted_sum, absolute_sum, operands_sum, sum in *.
  destruct Ht as [(_ & Ht) | (-> & Ht)]; rewrite Ht in *; cbn [fold_right fst snd] in *.
  - rewrite !Rplus_0_r in *. now apply (normalized_near s B mu v eps _ _ _ _ _ o Hv Hs Hm Hx Hw Hb HM Hu Hp).
  - (* the term is dropped *)
    apply (zero_scale B mu v eps _ o Hv Hm Hx) in Ho. unfold Rdiv in Hw. rewrite Rmult_0_l in Hw.
    assert (Hw0 : V weight = 0).
    { rewrite Rabs_R0, Rmult_0_r, Rminus_0_r in Hw. pose proof (Rabs_pos (V weight)). destruct (Req_dec (V weight) 0) as [E | E]; [exact E |].
      pose proof (Rabs_pos_lt _ E). lra. }
    rewrite Hw0 in *. assert (H0 : Rabs 0 <= p2 127) by (rewrite Rabs_R0; apply bpow_ge_0).
    destruct (normalized_near 0 B mu v eps 0 0 (V (bias r)) (V (magnitude r)) (V (underflow_count r)) o Hv Hs Hm H0) as (z & -> & Hz); auto.
    + unfold Rdiv. rewrite Rmult_0_l. exact Hw.
    + rewrite Rabs_R0, Rmult_0_l. exact Hp.
    + exists z. split; [reflexivity |]. rewrite Rabs_R0, !Rmult_0_l, !Rplus_0_r in Hz. rewrite !Rplus_0_r. exact Hz.
Qed.
