(* Every evaluation of a scaled Gemm is inside the float32 relation of its row
   (spec/operators.md sections 3 and 5): alpha and beta are applied to the constant
   weights, to products or to sums, wherever and however often these are cut.

   A part is a scale and a leaf of SumTrees; the row sums scale * leaf. `scaled` says
   which results an evaluation may have. Proved for scales that are not subnormal and
   for rows of up to 2^22 roundings. The factor F is what a flushed number can be
   multiplied with, or divided by.

   Relies on SumTrees and Clusters. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Permutation Lra Lia Psatz.
From AxiomProofs Require Import Lists SumTrees.
Import ListNotations.
Local Open Scope R_scope.

Definition part := (R * leaf)%type.

Inductive scaled : list part -> option R -> Prop :=
  | scaled_zero : scaled [] (Some 0)
  (* a scale of 1 is not applied *)
  | scaled_unit : forall l r, evaluates l r -> scaled (map (pair 1) l) r
  (* a product, an addend or a sum is scaled *)
  | scaled_sum : forall c l s s' r, evaluates l (Some s) -> operand s s' -> passes (c * s') r ->
      scaled (map (pair c) l) r
  (* a weight is scaled *)
  | scaled_weight : forall c w w0 w1 w2 x x' r, operand w w0 -> passes (c * w0) (Some w1) -> operand w1 w2 ->
      operand x x' -> passes (w2 * x') r -> scaled [(c, Product w x)] r
  | scaled_plus : forall l m a b r, scaled l (Some a) -> scaled m (Some b) -> passes (a + b) r -> scaled (l ++ m) r
  (* the last product of either is fused with a sum *)
  | scaled_fused_sum : forall c l s s' m a r, evaluates l (Some s) -> operand s s' -> scaled m (Some a) ->
      passes (c * s' + a) r -> scaled (map (pair c) l ++ m) r
  | scaled_fused_weight : forall c w w0 w1 w2 x x' m a r, operand w w0 -> passes (c * w0) (Some w1) -> operand w1 w2 ->
      operand x x' -> scaled m (Some a) -> passes (w2 * x' + a) r -> scaled ((c, Product w x) :: m) r
  | scaled_failed_sum : forall c l, evaluates l None -> scaled (map (pair c) l) None
  | scaled_failed_weight : forall c w w0 x, c <> 1 -> operand w w0 -> passes (c * w0) None -> scaled [(c, Product w x)] None
  | scaled_failed_left : forall l m, scaled l None -> scaled (l ++ m) None
  | scaled_failed_right : forall l m, scaled m None -> scaled (l ++ m) None
  | scaled_reordered : forall l m r, Permutation l m -> scaled l r -> scaled m r.

Definition part_operands (p : part) : R :=
  match snd p with Product w x => Rabs (fst p * w) + Rabs x | Addend _ => 0 end.

Definition scaled_value (l : list part) : R := sum (fun p => fst p * leaf_value (snd p)) l.
Definition scaled_size (l : list part) : R := sum (fun p => Rabs (fst p) * leaf_size (snd p)) l.   (* S *)
Definition scaled_operands (l : list part) : R := sum part_operands l.

(* An operand that is read as zero is one more step of what computed it. *)
Lemma passes_operand : forall v r r', passes v (Some r) -> operand r r' -> passes v (Some r').
Proof. intros v r r' Hp Ho. destruct Ho as [r | r Hr]; [exact Hp |]. eapply passes_more; [exact Hp | now apply step_flush]. Qed.

Lemma inside_operand : forall l r r', inside l r -> operand r r' -> inside l r'.
Proof.
  intros l r r' [[-> ->] | [Hl (v & Hp & Hv)]] Ho.
  - left. split; [reflexivity |]. now inversion Ho.
  - right. split; [exact Hl |]. exists v. split; [eapply passes_operand; eauto | exact Hv].
Qed.

Lemma passes_size : forall v r, passes v (Some r) -> Rabs r <= (1 + D) * Rabs v + eta.
Proof.
  intros v r H. pose proof (passes_error _ _ H). replace r with (v + (r - v)) by ring.
  eapply Rle_trans; [apply Rabs_triang | lra].
Qed.

Lemma operand_product_size : forall w w' x x', operand w w' -> operand x x' -> Rabs (w' * x') <= Rabs w * Rabs x.
Proof.
  intros w w' x x' Hw Hx. rewrite Rabs_mult. pose proof (Rabs_pos w). pose proof (Rabs_pos x).
  destruct Hw, Hx; rewrite ?Rabs_R0; try lra; rewrite ?Rmult_0_l, ?Rmult_0_r; apply Rmult_le_pos; assumption.
Qed.

(* ---- Sums of numbers that were rounded: a property P of what is rounded last *)

Section Stage.
  Context {A : Type}.
  Variable P : list A -> R -> Prop.

  Definition stage (l : list A) (r : R) : Prop := l = [] /\ r = 0 \/ l <> [] /\ exists v, passes v (Some r) /\ P l v.

  Lemma stage_more : forall l a r, stage l a -> passes a (Some r) -> stage l r.
  Proof.
    intros l a r [[-> ->] | (Hl & v & Hv & HP)] Hr.
    - left. split; [reflexivity |]. apply passes_zero in Hr. congruence.
    - right. split; [exact Hl |]. exists v. split; [eapply passes_trans; eauto | exact HP].
  Qed.

  Lemma stage_plus : (forall l m a b, l <> [] -> m <> [] -> stage l a -> stage m b -> P (l ++ m) (a + b)) ->
    forall l m a b r, stage l a -> stage m b -> passes (a + b) (Some r) -> stage (l ++ m) r.
  Proof.
    intros Hplus l m a b r Ha Hb Hr. pose proof Ha as Ha'. pose proof Hb as Hb'.
    destruct Ha as [[-> ->] | (Hl & _)]; [rewrite Rplus_0_l in Hr; now apply stage_more with b |].
    destruct Hb as [[-> ->] | (Hm & _)]; [rewrite Rplus_0_r in Hr; rewrite app_nil_r; now apply stage_more with a |].
    right. split; [intros E; apply app_eq_nil in E; tauto |]. exists (a + b). split; [exact Hr | now apply Hplus].
  Qed.

  Lemma stage_permutation : (forall l m v, Permutation l m -> P l v -> P m v) ->
    forall l m r, Permutation l m -> stage l r -> stage m r.
  Proof.
    intros HP l m r H [[-> ->] | (Hl & v & Hv & Hp)].
    - apply Permutation_nil in H. now left.
    - right. split; [intros ->; apply Permutation_sym, Permutation_nil in H; now subst |]. exists v. split; [exact Hv | eapply HP; eauto].
  Qed.
End Stage.

Definition grow (k : nat) : R := (1 + D) ^ k.

Lemma grow_le : forall j k, (j <= k)%nat -> grow j <= grow k.
Proof. intros. apply Rle_pow; [pose proof D_bounds; lra | assumption]. Qed.

Lemma grow_step : forall k, (1 + D) * grow k = grow (S k).
Proof. reflexivity. Qed.

Lemma length_INR : forall A (l : list A), l <> [] -> 1 <= INR (length l) /\ S (Nat.pred (length l)) = length l.
Proof. intros A [| a l] H; [contradiction |]. split; [cbn [length]; rewrite S_INR; pose proof (pos_INR (length l)); lra | reflexivity]. Qed.

(* ---- How large a sum can be, whatever the operands: flushing makes numbers smaller *)

(* e covers what flushing a sum may lose. *)
Lemma size_step : forall k M e v r, 0 <= M -> eta <= e -> Rabs v <= grow k * M -> passes v (Some r) -> Rabs r <= grow (S k) * (M + e).
Proof.
  intros k M e v r HM He Hv Hr. apply passes_size in Hr. pose proof D_bounds. pose proof eta_positive. pose proof (power_ge_1 (S k)) as H1. fold (grow (S k)) in H1.
  assert ((1 + D) * Rabs v <= (1 + D) * (grow k * M)) by (apply Rmult_le_compat_l; lra). rewrite <- Rmult_assoc, grow_step in *.
  assert (e <= grow (S k) * e) by nra. lra.
Qed.

Definition sum_sized (l : list leaf) (v : R) : Prop :=
  Rabs v <= grow (Nat.pred (length l)) * (magnitude l + eta * (2 * INR (length l) - 2)).

Lemma sum_sized_after : forall l r, l <> [] -> stage sum_sized l r -> Rabs r <= grow (length l) * (magnitude l + eta * (2 * INR (length l) - 1)).
Proof.
  intros l r Hl [[E _] | (_ & v & Hv & HP)]; [contradiction |]. destruct (length_INR _ l Hl) as (H1 & HS). pose proof eta_positive.
  rewrite <- HS. replace (magnitude l + eta * (2 * INR (S (Nat.pred (length l))) - 1)) with (magnitude l + eta * (2 * INR (length l) - 2) + eta) by (rewrite HS; ring).
  eapply size_step; [| apply Rle_refl | exact HP | exact Hv]. pose proof (magnitude_nonnegative l).
  apply Rplus_le_le_0_compat; [lra | apply Rmult_le_pos; lra].
Qed.

Lemma single_sized : forall t v, Rabs v <= leaf_size t -> sum_sized [t] v.
Proof. intros t v H. unfold sum_sized, grow, magnitude, sum. cbn. lra. Qed.

Lemma sum_sized_plus : forall l m a b, l <> [] -> m <> [] -> stage sum_sized l a -> stage sum_sized m b -> sum_sized (l ++ m) (a + b).
Proof.
  intros l m a b Hl Hm Ha Hb. apply sum_sized_after in Ha; [| exact Hl]. apply sum_sized_after in Hb; [| exact Hm].
  destruct (length_INR _ l Hl) as (L1 & LS). destruct (length_INR _ m Hm) as (M1 & MS). pose proof eta_positive.
  unfold sum_sized. rewrite app_length, plus_INR. unfold magnitude in *. rewrite sum_app. fold (magnitude l) (magnitude m) in *.
  pose proof (magnitude_nonnegative l). pose proof (magnitude_nonnegative m).
  set (g := grow (Nat.pred (length l + length m))) in *.
  assert (grow (length l) <= g) by (apply grow_le; lia). assert (grow (length m) <= g) by (apply grow_le; lia).
  assert (X : 0 <= magnitude l + eta * (2 * INR (length l) - 1)) by (apply Rplus_le_le_0_compat; [lra | apply Rmult_le_pos; lra]).
  assert (Y : 0 <= magnitude m + eta * (2 * INR (length m) - 1)) by (apply Rplus_le_le_0_compat; [lra | apply Rmult_le_pos; lra]).
  assert (A : grow (length l) * (magnitude l + eta * (2 * INR (length l) - 1)) <= g * (magnitude l + eta * (2 * INR (length l) - 1))) by now apply Rmult_le_compat_r.
  assert (B : grow (length m) * (magnitude m + eta * (2 * INR (length m) - 1)) <= g * (magnitude m + eta * (2 * INR (length m) - 1))) by now apply Rmult_le_compat_r.
  eapply Rle_trans; [apply Rabs_triang |].
  replace (g * (magnitude l + magnitude m + eta * (2 * (INR (length l) + INR (length m)) - 2)))
    with (g * (magnitude l + eta * (2 * INR (length l) - 1)) + g * (magnitude m + eta * (2 * INR (length m) - 1))) by ring. lra.
Qed.

Lemma fused_sized : forall w x w' x' m a, operand w w' -> operand x x' -> m <> [] -> stage sum_sized m a -> sum_sized (Product w x :: m) (w' * x' + a).
Proof.
  intros w x w' x' m a Hw Hx Hm Ha. apply sum_sized_after in Ha; [| exact Hm]. pose proof (operand_product_size _ _ _ _ Hw Hx) as Hp.
  unfold sum_sized. cbn [length Nat.pred]. rewrite S_INR. change (magnitude (Product w x :: m)) with (Rabs w * Rabs x + magnitude m).
  eapply Rle_trans; [apply Rabs_triang |]. pose proof (power_ge_1 (length m)) as H1. fold (grow (length m)) in H1.
  assert (0 <= Rabs w * Rabs x) by (apply Rmult_le_pos; apply Rabs_pos). pose proof eta_positive.
  assert (Rabs w * Rabs x <= grow (length m) * (Rabs w * Rabs x)) by nra.
  assert (0 <= grow (length m) * eta) by (apply Rmult_le_pos; lra). lra.
Qed.

Lemma evaluates_sized : forall l o, evaluates l o -> forall r, o = Some r -> stage sum_sized l r.
Proof.
  induction 1; intros r0 Hr; try discriminate; subst.
  - injection Hr as <-. now left.
  - right. split; [easy |]. exists b. split; [assumption |]. apply single_sized. cbn. lra.
  - right. split; [easy |]. exists (w' * x'). split; [assumption |]. apply single_sized. now apply operand_product_size.
  - eapply stage_plus; eauto using sum_sized_plus.
  - specialize (IHevaluates a eq_refl). right. split; [easy |]. exists (w' * x' + a). split; [assumption |]. destruct m as [| t m].
    + destruct IHevaluates as [[_ ->] | [Hn _]]; [| easy]. rewrite Rplus_0_r. apply single_sized. now apply operand_product_size.
    + now apply fused_sized.
  - eapply stage_permutation; eauto. intros l0 m0 v Hp HP. unfold sum_sized, magnitude in *.
    now rewrite <- (Permutation_length Hp), <- (sum_permutation _ _ _ _ Hp).
Qed.

(* ---- Scaled sums *)

Section Scaled.
  Variable F : R.  (* the factor *)
  Hypothesis F1 : 1 <= F.

  (* Scales are normal numbers, and F covers them; 5/4 leaves room for the rounding of F. *)
  Definition scale_ok (c : R) : Prop := eta <= Rabs c <= p2 128 /\ Rabs c <= F /\ 1 <= 5 / 4 * (F * Rabs c).

  Definition part_ok (p : part) : Prop := scale_ok (fst p) /\ in_range (snd p).

  Lemma scaled_size_nonnegative : forall l, 0 <= scaled_size l.
  Proof. intros. apply sum_nonnegative. intros [c t] _. apply Rmult_le_pos; [apply Rabs_pos | apply leaf_size_nonnegative]. Qed.

  Lemma part_operands_nonnegative : forall p, 0 <= part_operands p.
  Proof. intros [c [w x | b]]; unfold part_operands; cbn; [apply Rplus_le_le_0_compat; apply Rabs_pos | lra]. Qed.

  Lemma scaled_operands_nonnegative : forall l, 0 <= scaled_operands l.
  Proof. intros. apply sum_nonnegative. intros. apply part_operands_nonnegative. Qed.

  Lemma scaled_value_le : forall l, Rabs (scaled_value l) <= scaled_size l.
  Proof.
    intros. eapply Rle_trans; [apply sum_abs |]. apply sum_le. intros [c t] _. cbn. rewrite Rabs_mult.
    apply Rmult_le_compat_l; [apply Rabs_pos |]. destruct t; cbn; [rewrite Rabs_mult |]; lra.
  Qed.

  (* One scale for a whole sum *)
  Lemma common_scale : forall c l, scale_ok c -> scaled_value (map (pair c) l) = c * value l /\ scaled_size (map (pair c) l) = Rabs c * magnitude l /\
    Rabs c * operands l <= F * scaled_operands (map (pair c) l).
  Proof.
    intros c l (_ & Hc & _).
    unfold scaled_value, scaled_size, scaled_operands, value, magnitude, operands. rewrite !sum_map. cbn [fst snd].
    split; [apply sum_scale |]. split; [apply sum_scale |]. rewrite <- !sum_scale. apply sum_le.
    intros [w x | b] _; unfold part_operands; cbn; [| lra]. rewrite Rabs_mult. pose proof (Rabs_pos w). pose proof (Rabs_pos x). pose proof (Rabs_pos c).
    assert (Rabs c * Rabs x <= F * Rabs x) by (apply Rmult_le_compat_r; lra).
    assert (0 <= Rabs c * Rabs w) by (apply Rmult_le_pos; lra).
    assert (1 * (Rabs c * Rabs w) <= F * (Rabs c * Rabs w)) by (apply Rmult_le_compat_r; lra). lra.
  Qed.

  (* The error before the last rounding: one rounding more per part than in a plain sum,
     three flushes per part at most. *)
  Definition near (l : list part) (v : R) : Prop :=
    Rabs (v - scaled_value l) <= (grow (length l) - 1) * scaled_size l + grow (length l) * (eta * F) * (3 * INR (length l) - 2 + scaled_operands l).

  Lemma near_after : forall l r, l <> [] -> stage near l r ->
    Rabs (r - scaled_value l) <= (grow (S (length l)) - 1) * scaled_size l + grow (S (length l)) * (eta * F) * (3 * INR (length l) - 1 + scaled_operands l).
  Proof.
    intros l r Hl [[E _] | (_ & v & Hv & HP)]; [contradiction |]. unfold near in HP. apply passes_error in Hv.
    destruct (length_INR _ l Hl) as (L1 & _). pose proof (scaled_size_nonnegative l) as HM. pose proof (scaled_operands_nonnegative l) as HO.
    pose proof (scaled_value_le l) as Hle. pose proof D_bounds as HD. pose proof eta_positive as He. pose proof (power_ge_1 (length l)) as Hg. fold (grow (length l)) in Hg.
    assert (Hv1 : Rabs v <= scaled_size l + Rabs (v - scaled_value l)).
    { replace v with (scaled_value l + (v - scaled_value l)) at 1 by ring. eapply Rle_trans; [apply Rabs_triang | lra]. }
    replace (r - scaled_value l) with ((r - v) + (v - scaled_value l)) by ring. eapply Rle_trans; [apply Rabs_triang |].
    rewrite <- grow_step. set (g := grow (length l)) in *. set (i := 3 * INR (length l) - 2 + scaled_operands l) in *.
    replace (3 * INR (length l) - 1 + scaled_operands l) with (i + 1) by (unfold i; ring).
    assert (Hi : 0 <= i) by (unfold i; lra). set (E := Rabs (v - scaled_value l)) in *. set (M := scaled_size l) in *.
    assert (HeF : 0 < eta * F) by (apply Rmult_lt_0_compat; lra). assert (Hee : eta <= eta * F) by nra.
    assert (H1 : D * Rabs v <= D * (M + E)) by (apply Rmult_le_compat_l; lra).
    assert (H2 : (1 + D) * E <= (1 + D) * ((g - 1) * M + g * (eta * F) * i)) by (apply Rmult_le_compat_l; lra).
    assert (H3 : eta * F <= (1 + D) * g * (eta * F)) by (rewrite <- (Rmult_1_l (eta * F)) at 1; apply Rmult_le_compat_r; nra).
    replace (((1 + D) * g - 1) * M + (1 + D) * g * (eta * F) * (i + 1)) with (D * M + (1 + D) * ((g - 1) * M + g * (eta * F) * i) + (1 + D) * g * (eta * F)) by ring.
    lra.
  Qed.

  Lemma near_weaken : forall l k M i E, (k <= length l)%nat -> 0 <= M <= scaled_size l -> 0 <= i <= 3 * INR (length l) - 2 + scaled_operands l ->
    E <= (grow k - 1) * M + grow k * (eta * F) * i ->
    E <= (grow (length l) - 1) * scaled_size l + grow (length l) * (eta * F) * (3 * INR (length l) - 2 + scaled_operands l).
  Proof.
    intros l k M i E Hk HM Hi HE. pose proof (power_ge_1 k) as H1. fold (grow k) in H1. pose proof (grow_le _ _ Hk). pose proof eta_positive.
    assert (HeF : 0 < eta * F) by (apply Rmult_lt_0_compat; lra).
    assert ((grow k - 1) * M <= (grow (length l) - 1) * scaled_size l) by (apply Rmult_le_compat; lra).
    assert (grow k * (eta * F) * i <= grow (length l) * (eta * F) * (3 * INR (length l) - 2 + scaled_operands l)).
    { apply Rmult_le_compat; try lra; [apply Rmult_le_pos; lra | apply Rmult_le_compat_r; lra]. }
    lra.
  Qed.

  Lemma near_plus : forall l m a b, l <> [] -> m <> [] -> stage near l a -> stage near m b -> near (l ++ m) (a + b).
  Proof.
    intros l m a b Hl Hm Ha Hb. apply near_after in Ha; [| exact Hl]. apply near_after in Hb; [| exact Hm].
    destruct (length_INR _ l Hl) as (L1 & LS). destruct (length_INR _ m Hm) as (M1 & MS). pose proof eta_positive.
    unfold near. rewrite app_length, plus_INR.
    replace (scaled_value (l ++ m)) with (scaled_value l + scaled_value m) by (symmetry; apply sum_app).
    replace (scaled_size (l ++ m)) with (scaled_size l + scaled_size m) by (symmetry; apply sum_app).
    replace (scaled_operands (l ++ m)) with (scaled_operands l + scaled_operands m) by (symmetry; apply sum_app).
    pose proof (scaled_size_nonnegative l). pose proof (scaled_size_nonnegative m). pose proof (scaled_operands_nonnegative l). pose proof (scaled_operands_nonnegative m).
    set (g := grow (length l + length m)) in *. assert (HeF : 0 < eta * F) by (apply Rmult_lt_0_compat; lra).
    assert (G1 : grow (S (length l)) <= g) by (apply grow_le; lia). assert (G2 : grow (S (length m)) <= g) by (apply grow_le; lia).
    assert (A1 : (grow (S (length l)) - 1) * scaled_size l <= (g - 1) * scaled_size l) by (apply Rmult_le_compat_r; lra).
    assert (A2 : (grow (S (length m)) - 1) * scaled_size m <= (g - 1) * scaled_size m) by (apply Rmult_le_compat_r; lra).
    assert (B1 : grow (S (length l)) * (eta * F) * (3 * INR (length l) - 1 + scaled_operands l) <= g * (eta * F) * (3 * INR (length l) - 1 + scaled_operands l)).
    { apply Rmult_le_compat_r; [lra |]. apply Rmult_le_compat_r; lra. }
    assert (B2 : grow (S (length m)) * (eta * F) * (3 * INR (length m) - 1 + scaled_operands m) <= g * (eta * F) * (3 * INR (length m) - 1 + scaled_operands m)).
    { apply Rmult_le_compat_r; [lra |]. apply Rmult_le_compat_r; lra. }
    replace (a + b - (scaled_value l + scaled_value m)) with ((a - scaled_value l) + (b - scaled_value m)) by ring.
    eapply Rle_trans; [apply Rabs_triang |].
    replace ((g - 1) * (scaled_size l + scaled_size m) + g * (eta * F) * (3 * (INR (length l) + INR (length m)) - 2 + (scaled_operands l + scaled_operands m)))
      with ((g - 1) * scaled_size l + (g - 1) * scaled_size m + (g * (eta * F) * (3 * INR (length l) - 1 + scaled_operands l) + g * (eta * F) * (3 * INR (length m) - 1 + scaled_operands m))) by ring.
    lra.
  Qed.

  (* A scaled sum, before it is rounded *)
  Lemma scaled_sum_near : forall c l s, scale_ok c -> l <> [] -> inside l s ->
    Rabs (c * s - scaled_value (map (pair c) l)) <=
    (grow (length l) - 1) * scaled_size (map (pair c) l) + grow (length l) * (eta * F) * (2 * INR (length l) - 1 + scaled_operands (map (pair c) l)).
  Proof.
    intros c l s Hc Hl Hi. destruct (common_scale c l Hc) as (V1 & V2 & V3). destruct Hc as (_ & HcF & _).
    pose proof (inside_error _ _ Hi Hl) as E. unfold grown, before in E. fold (grow (length l)) in E. rewrite V1, V2.
    replace (c * s - c * value l) with (c * (s - value l)) by ring. rewrite Rabs_mult.
    destruct (length_INR _ l Hl) as (L1 & _). pose proof (Rabs_pos c). pose proof eta_positive. pose proof (operands_nonnegative l).
    pose proof (power_ge_1 (length l)) as Hg. fold (grow (length l)) in Hg.
    eapply Rle_trans; [apply Rmult_le_compat_l; [apply Rabs_pos | exact E] |].
    assert (X1 : Rabs c * (2 * INR (length l) - 1 + operands l) <= F * (2 * INR (length l) - 1 + scaled_operands (map (pair c) l))).
    { assert (Rabs c * (2 * INR (length l) - 1) <= F * (2 * INR (length l) - 1)) by (apply Rmult_le_compat_r; lra). lra. }
    assert (X2 : grow (length l) * eta * (Rabs c * (2 * INR (length l) - 1 + operands l)) <= grow (length l) * eta * (F * (2 * INR (length l) - 1 + scaled_operands (map (pair c) l)))).
    { apply Rmult_le_compat_l; [apply Rmult_le_pos; lra | exact X1]. }
    lra.
  Qed.

  (* A product whose weight was scaled *)
  Lemma scaled_weight_near : forall c w w0 w1 w2 x x', scale_ok c -> operand w w0 -> passes (c * w0) (Some w1) -> operand w1 w2 -> operand x x' ->
    Rabs (w2 * x' - c * (w * x)) <= D * (Rabs c * (Rabs w * Rabs x)) + eta * F * (Rabs (c * w) + Rabs x).
  Proof.
    intros c w w0 w1 w2 x x' (_ & HcF & _) Hw Hp Hw1 Hx. pose proof eta_positive as He. pose proof D_bounds as HD.
    pose proof (Rabs_pos c) as Pc. pose proof (Rabs_pos w) as Pw. pose proof (Rabs_pos x) as Px. rewrite Rabs_mult.
    assert (Pcw : 0 <= Rabs c * Rabs w) by (apply Rmult_le_pos; lra). assert (HeF : eta <= eta * F) by nra.
    assert (Hweight : Rabs (w2 - c * w) <= D * (Rabs c * Rabs w) + eta * F).
    { destruct Hw as [w | w Hw].
      - pose proof (passes_error _ _ (passes_operand _ _ _ Hp Hw1)) as E. rewrite Rabs_mult in E. lra.
      - rewrite Rmult_0_r in Hp. apply passes_zero in Hp. injection Hp as ->.
        assert (w2 = 0) by (inversion Hw1; reflexivity). subst w2. replace (0 - c * w) with (- (c * w)) by ring. rewrite Rabs_Ropp, Rabs_mult.
        assert (Rabs c * Rabs w <= F * eta) by (apply Rmult_le_compat; lra). assert (0 <= D * (Rabs c * Rabs w)) by (apply Rmult_le_pos; lra). lra. }
    destruct Hx as [x | x Hx].
    - replace (w2 * x - c * (w * x)) with ((w2 - c * w) * x) by ring. rewrite Rabs_mult.
      assert (Rabs (w2 - c * w) * Rabs x <= (D * (Rabs c * Rabs w) + eta * F) * Rabs x) by (apply Rmult_le_compat_r; lra).
      assert (0 <= eta * F * (Rabs c * Rabs w)) by (repeat apply Rmult_le_pos; lra). lra.
    - replace (w2 * 0 - c * (w * x)) with (- (c * w * x)) by ring. rewrite Rabs_Ropp, !Rabs_mult.
      assert (Rabs c * Rabs w * Rabs x <= Rabs c * Rabs w * eta) by (apply Rmult_le_compat_l; lra).
      assert (eta * (Rabs c * Rabs w) <= eta * F * (Rabs c * Rabs w)) by (apply Rmult_le_compat_r; lra).
      assert (0 <= D * (Rabs c * (Rabs w * Rabs x))) by (repeat apply Rmult_le_pos; lra).
      assert (0 <= eta * F * Rabs x) by (repeat apply Rmult_le_pos; lra). lra.
  Qed.

  Lemma unit_operands : forall l, scaled_operands (map (pair 1) l) = operands l.
  Proof.
    intros l. unfold scaled_operands, operands. rewrite sum_map. apply sum_ext. intros [w x | b] _; unfold part_operands; cbn; [| reflexivity].
    now rewrite Rmult_1_l.
  Qed.

  Lemma nonempty_map : forall A B (f : A -> B) l, l <> [] -> map f l <> [].
  Proof. intros A B f [| a l] H; [contradiction | discriminate]. Qed.

  Lemma scale_of : forall c l, l <> [] -> Forall part_ok (map (pair c) l) -> scale_ok c.
  Proof. intros c [| t l] Hl H; [contradiction |]. inversion H as [| ? ? (Hc & _)]; subst. exact Hc. Qed.

  (* What a scaled sum is before it is rounded *)
  Lemma scaled_sum_before : forall c l s s', l <> [] -> Forall part_ok (map (pair c) l) -> evaluates l (Some s) -> operand s s' ->
    near (map (pair c) l) (c * s').
  Proof.
    intros c l s s' Hl Hok Hs Ho. pose proof (scale_of c l Hl Hok) as Hc.
    pose proof (inside_operand _ _ _ (evaluates_inside _ _ Hs _ eq_refl) Ho) as Hi.
    destruct (length_INR _ l Hl) as (L1 & _). pose proof (scaled_operands_nonnegative (map (pair c) l)).
    unfold near. eapply near_weaken with (k := length l) (M := scaled_size (map (pair c) l)) (i := 2 * INR (length l) - 1 + scaled_operands (map (pair c) l)).
    - now rewrite map_length.
    - split; [apply scaled_size_nonnegative | lra].
    - rewrite map_length. lra.
    - now apply scaled_sum_near.
  Qed.

  Lemma scaled_weight_before : forall c w w0 w1 w2 x x', scale_ok c -> operand w w0 -> passes (c * w0) (Some w1) -> operand w1 w2 -> operand x x' ->
    near [(c, Product w x)] (w2 * x').
  Proof.
    intros c w w0 w1 w2 x x' Hc Hw Hp Hw1 Hx. pose proof (scaled_weight_near c w w0 w1 w2 x x' Hc Hw Hp Hw1 Hx) as E.
    unfold near, grow, scaled_value, scaled_size, scaled_operands, sum, part_operands. cbn [fold_right fst snd leaf_value leaf_size length INR pow].
    rewrite !Rplus_0_r, Rmult_1_r. pose proof D_bounds. pose proof eta_positive.
    assert (0 < eta * F) by (apply Rmult_lt_0_compat; lra).
    assert (0 <= Rabs (c * w) + Rabs x) by (apply Rplus_le_le_0_compat; apply Rabs_pos).
    assert (0 <= D * (eta * F)) by (apply Rmult_le_pos; lra).
    assert (0 <= D * (eta * F) * (Rabs (c * w) + Rabs x)) by (apply Rmult_le_pos; lra). lra.
  Qed.

  Lemma scaled_stage : forall l o, scaled l o -> Forall part_ok l -> forall r, o = Some r -> stage near l r.
  Proof.
    induction 1; intros Hok r0 Hr; try discriminate; subst.
    - injection Hr as <-. now left.
    - destruct l as [| t l]; [left; split; [reflexivity |]; destruct (evaluates_inside _ _ H _ eq_refl) as [[_ E] | [E _]]; [exact E | contradiction] |].
      assert (Hl : t :: l <> []) by easy. set (ts := t :: l) in *. pose proof (scale_of 1 ts Hl Hok) as Hc.
      destruct (evaluates_inside _ _ H _ eq_refl) as [[E _] | (_ & v & Hv & E)]; [contradiction |].
      right. split; [now apply nonempty_map |]. exists v. split; [exact Hv |].
      destruct (common_scale 1 ts Hc) as (V1 & V2 & _). destruct (length_INR _ ts Hl) as (L1 & LS). pose proof (operands_nonnegative ts).
      unfold near. rewrite Rabs_R1, Rmult_1_l in V2. rewrite Rmult_1_l in V1.
      eapply near_weaken with (k := Nat.pred (length ts)) (M := magnitude ts) (i := before ts).
      + rewrite map_length. lia.
      + rewrite V2. split; [apply magnitude_nonnegative | lra].
      + rewrite map_length, unit_operands. unfold before. lra.
      + rewrite V1. unfold grown in E. fold (grow (Nat.pred (length ts))) in E. eapply Rle_trans; [exact E |].
        apply Rplus_le_compat_l. apply Rmult_le_compat_r; [unfold before; lra |].
        pose proof (power_ge_1 (Nat.pred (length ts))) as Hg. fold (grow (Nat.pred (length ts))) in Hg. pose proof eta_positive.
        apply Rmult_le_compat_l; [lra |]. rewrite <- (Rmult_1_r eta) at 1. apply Rmult_le_compat_l; lra.
    - destruct l as [| t l].
      + left. split; [reflexivity |]. destruct (evaluates_inside _ _ H _ eq_refl) as [[_ E] | [E _]]; [| contradiction]. subst s.
        assert (s' = 0) by (inversion H0; reflexivity). subst s'. rewrite Rmult_0_r in H1. apply passes_zero in H1. congruence.
      + right. split; [discriminate |]. exists (c * s'). split; [exact H1 |]. eapply scaled_sum_before; eauto. discriminate.
    - inversion Hok as [| ? ? (Hc & _)]; subst. right. split; [discriminate |]. exists (w2 * x'). split; [assumption |]. eapply scaled_weight_before; eauto.
    - apply Forall_app in Hok. destruct Hok. eapply stage_plus; eauto using near_plus.
    - apply Forall_app in Hok. destruct Hok as (Hl & Hm). specialize (IHscaled Hm a eq_refl).
      destruct l as [| t l].
      + destruct (evaluates_inside _ _ H _ eq_refl) as [[_ E] | [E _]]; [| contradiction]. subst s.
        assert (s' = 0) by (inversion H0; reflexivity). subst s'. rewrite Rmult_0_r, Rplus_0_l in H2. cbn [map app]. eapply stage_more; eauto.
      + assert (Hne : t :: l <> []) by easy. pose proof (scaled_sum_before c (t :: l) s s' Hne Hl H H0) as Hn.
        destruct m as [| p m].
        * destruct IHscaled as [[_ ->] | [E _]]; [| contradiction]. rewrite Rplus_0_r in H2. rewrite app_nil_r.
          right. split; [discriminate |]. now exists (c * s').
        * right. split; [discriminate |]. exists (c * s' + a). split; [exact H2 |].
          apply near_plus; [discriminate | discriminate | | exact IHscaled]. right. split; [discriminate |]. exists (c * s'). split; [constructor | exact Hn].
    - inversion Hok as [| ? ? (Hc & _) Hm]; subst. specialize (IHscaled Hm a eq_refl).
      pose proof (scaled_weight_before c w w0 w1 w2 x x' Hc H H0 H1 H2) as Hn.
      right. split; [discriminate |]. exists (w2 * x' + a). split; [assumption |]. destruct m as [| p m].
      + destruct IHscaled as [[_ ->] | [E _]]; [| contradiction]. now rewrite Rplus_0_r.
      + apply (near_plus [(c, Product w x)] (p :: m)); [discriminate | discriminate | | exact IHscaled].
        right. split; [discriminate |]. exists (w2 * x'). split; [constructor | exact Hn].
    - assert (Hl : Forall part_ok l) by (eapply Permutation_Forall; [apply Permutation_sym; eassumption | exact Hok]).
      eapply stage_permutation; [| eassumption | now apply IHscaled]. intros l0 m0 v Hp HP. unfold near, scaled_value, scaled_size, scaled_operands in *.
      now rewrite <- (Permutation_length Hp), <- !(sum_permutation _ _ _ _ Hp).
  Qed.

  (* ---- How large a result can be *)

  Definition sized (l : list part) (v : R) : Prop := Rabs v <= grow (length l) * (scaled_size l + 4 * (3 * INR (length l) - 2)).

  Lemma eta_4 : eta * p2 128 = 4 /\ eta <= 1.
  Proof. unfold eta. simpl. lra. Qed.

  Lemma sized_after : forall l r, l <> [] -> stage sized l r -> Rabs r <= grow (S (length l)) * (scaled_size l + 4 * (3 * INR (length l) - 1)).
  Proof.
    intros l r Hl [[E _] | (_ & v & Hv & HP)]; [contradiction |]. destruct (length_INR _ l Hl) as (L1 & _). pose proof eta_4 as (_ & E1).
    replace (scaled_size l + 4 * (3 * INR (length l) - 1)) with (scaled_size l + 4 * (3 * INR (length l) - 2) + 4) by ring.
    eapply size_step; [| | exact HP | exact Hv]; [| lra]. pose proof (scaled_size_nonnegative l). lra.
  Qed.

  Lemma sized_weaken : forall l k M i v, (k <= length l)%nat -> 0 <= M <= scaled_size l -> 0 <= i <= 3 * INR (length l) - 2 ->
    Rabs v <= grow k * (M + 4 * i) -> sized l v.
  Proof.
    intros l k M i v Hk HM Hi Hv. unfold sized. pose proof (grow_le _ _ Hk). pose proof (power_ge_1 k) as Hg. fold (grow k) in Hg.
    eapply Rle_trans; [exact Hv |]. apply Rmult_le_compat; lra.
  Qed.

  Lemma sized_plus : forall l m a b, l <> [] -> m <> [] -> stage sized l a -> stage sized m b -> sized (l ++ m) (a + b).
  Proof.
    intros l m a b Hl Hm Ha Hb. apply sized_after in Ha; [| exact Hl]. apply sized_after in Hb; [| exact Hm].
    destruct (length_INR _ l Hl) as (L1 & LS). destruct (length_INR _ m Hm) as (M1 & MS).
    unfold sized. rewrite app_length, plus_INR. replace (scaled_size (l ++ m)) with (scaled_size l + scaled_size m) by (symmetry; apply sum_app).
    pose proof (scaled_size_nonnegative l). pose proof (scaled_size_nonnegative m).
    set (g := grow (length l + length m)) in *.
    assert (G1 : grow (S (length l)) <= g) by (apply grow_le; lia). assert (G2 : grow (S (length m)) <= g) by (apply grow_le; lia).
    assert (A1 : grow (S (length l)) * (scaled_size l + 4 * (3 * INR (length l) - 1)) <= g * (scaled_size l + 4 * (3 * INR (length l) - 1))) by (apply Rmult_le_compat_r; lra).
    assert (A2 : grow (S (length m)) * (scaled_size m + 4 * (3 * INR (length m) - 1)) <= g * (scaled_size m + 4 * (3 * INR (length m) - 1))) by (apply Rmult_le_compat_r; lra).
    eapply Rle_trans; [apply Rabs_triang |].
    replace (g * (scaled_size l + scaled_size m + 4 * (3 * (INR (length l) + INR (length m)) - 2)))
      with (g * (scaled_size l + 4 * (3 * INR (length l) - 1)) + g * (scaled_size m + 4 * (3 * INR (length m) - 1))) by ring. lra.
  Qed.

  Lemma scaled_sum_sized : forall c l s s', l <> [] -> Forall part_ok (map (pair c) l) -> evaluates l (Some s) -> operand s s' ->
    sized (map (pair c) l) (c * s').
  Proof.
    intros c l s s' Hl Hok Hs Ho. pose proof (scale_of c l Hl Hok) as Hc. destruct (common_scale c l Hc) as (_ & V2 & _). destruct Hc as ((_ & Hc) & _).
    pose proof (sum_sized_after l s Hl (evaluates_sized _ _ Hs _ eq_refl)) as E.
    destruct (length_INR _ l Hl) as (L1 & _). pose proof eta_4 as (E4 & _). pose proof (Rabs_pos c). pose proof (magnitude_nonnegative l).
    pose proof eta_positive. pose proof (power_ge_1 (length l)) as Hg. fold (grow (length l)) in Hg.
    assert (Hs' : Rabs s' <= Rabs s) by (destruct Ho; [lra | rewrite Rabs_R0; apply Rabs_pos]).
    apply sized_weaken with (k := length l) (M := scaled_size (map (pair c) l)) (i := 2 * INR (length l) - 1).
    - now rewrite map_length.
    - split; [apply scaled_size_nonnegative | lra].
    - rewrite map_length. lra.
    - rewrite V2, Rabs_mult.
      assert (B1 : Rabs c * Rabs s' <= Rabs c * (grow (length l) * (magnitude l + eta * (2 * INR (length l) - 1)))) by (apply Rmult_le_compat_l; lra).
      assert (B2 : Rabs c * eta <= 4) by (rewrite <- E4, (Rmult_comm (Rabs c)); apply Rmult_le_compat_l; lra).
      assert (B3 : Rabs c * eta * (2 * INR (length l) - 1) <= 4 * (2 * INR (length l) - 1)) by (apply Rmult_le_compat_r; lra).
      assert (B4 : grow (length l) * (Rabs c * magnitude l + Rabs c * eta * (2 * INR (length l) - 1)) <= grow (length l) * (Rabs c * magnitude l + 4 * (2 * INR (length l) - 1))) by (apply Rmult_le_compat_l; lra).
      lra.
  Qed.

  Lemma scaled_weight_sized : forall c w w0 w1 w2 x x', part_ok (c, Product w x) -> operand w w0 -> passes (c * w0) (Some w1) -> operand w1 w2 -> operand x x' ->
    sized [(c, Product w x)] (w2 * x').
  Proof.
    intros c w w0 w1 w2 x x' (_ & (_ & Hx128)) Hw Hp Hw1 Hx. pose proof (passes_size _ _ (passes_operand _ _ _ Hp Hw1)) as E.
    pose proof eta_4 as (E4 & _). pose proof D_bounds. pose proof eta_positive. cbn [snd] in Hx128.
    assert (Hw0 : Rabs (c * w0) <= Rabs c * Rabs w).
    { rewrite Rabs_mult. apply Rmult_le_compat_l; [apply Rabs_pos |]. destruct Hw; [lra | rewrite Rabs_R0; apply Rabs_pos]. }
    assert (Hx' : Rabs x' <= Rabs x) by (destruct Hx; [lra | rewrite Rabs_R0; apply Rabs_pos]).
    apply sized_weaken with (k := 1%nat) (M := scaled_size [(c, Product w x)]) (i := 1).
    - cbn. lia.
    - split; [apply scaled_size_nonnegative | lra].
    - cbn. lra.
    - unfold scaled_size, sum, grow. cbn [fold_right fst snd leaf_size pow]. rewrite Rplus_0_r, Rmult_1_r, Rabs_mult.
      pose proof (Rabs_pos x). pose proof (Rabs_pos x'). pose proof (Rabs_pos w2).
      assert (C1 : Rabs w2 * Rabs x' <= ((1 + D) * (Rabs c * Rabs w) + eta) * Rabs x).
      { apply Rmult_le_compat; try lra. assert ((1 + D) * Rabs (c * w0) <= (1 + D) * (Rabs c * Rabs w)) by (apply Rmult_le_compat_l; lra). lra. }
      assert (C2 : eta * Rabs x <= 4) by (rewrite <- E4; apply Rmult_le_compat_l; lra). lra.
  Qed.

  Lemma scaled_sized : forall l o, scaled l o -> Forall part_ok l -> forall r, o = Some r -> stage sized l r.
  Proof.
    induction 1; intros Hok r0 Hr; try discriminate; subst.
    - injection Hr as <-. now left.
    - destruct l as [| t l]; [left; split; [reflexivity |]; destruct (evaluates_inside _ _ H _ eq_refl) as [[_ E] | [E _]]; [exact E | contradiction] |].
      assert (Hl : t :: l <> []) by easy. set (ts := t :: l) in *.
      destruct (evaluates_sized _ _ H _ eq_refl) as [[E _] | (_ & v & Hv & E)]; [contradiction |].
      right. split; [now apply nonempty_map |]. exists v. split; [exact Hv |].
      destruct (common_scale 1 ts (scale_of 1 ts Hl Hok)) as (_ & V2 & _). rewrite Rabs_R1, Rmult_1_l in V2. destruct (length_INR _ ts Hl) as (L1 & LS).
      apply sized_weaken with (k := Nat.pred (length ts)) (M := magnitude ts) (i := 2 * INR (length ts) - 2).
      + rewrite map_length. lia.
      + rewrite V2. split; [apply magnitude_nonnegative | lra].
      + rewrite map_length. lra.
      + unfold sum_sized in E. eapply Rle_trans; [exact E |]. pose proof (power_ge_1 (Nat.pred (length ts))) as Hg. fold (grow (Nat.pred (length ts))) in Hg.
        apply Rmult_le_compat_l; [lra |]. pose proof eta_4 as (_ & E1). apply Rplus_le_compat_l, Rmult_le_compat_r; lra.
    - destruct l as [| t l].
      + left. split; [reflexivity |]. destruct (evaluates_inside _ _ H _ eq_refl) as [[_ E] | [E _]]; [| contradiction]. subst s.
        assert (s' = 0) by (inversion H0; reflexivity). subst s'. rewrite Rmult_0_r in H1. apply passes_zero in H1. congruence.
      + right. split; [discriminate |]. exists (c * s'). split; [exact H1 |]. eapply scaled_sum_sized; eauto. discriminate.
    - inversion Hok as [| ? ? Hc _]; subst. right. split; [discriminate |]. exists (w2 * x'). split; [assumption |]. eapply scaled_weight_sized; eauto.
    - apply Forall_app in Hok. destruct Hok. eapply stage_plus; eauto using sized_plus.
    - apply Forall_app in Hok. destruct Hok as (Hl & Hm). specialize (IHscaled Hm a eq_refl).
      destruct l as [| t l].
      + destruct (evaluates_inside _ _ H _ eq_refl) as [[_ E] | [E _]]; [| contradiction]. subst s.
        assert (s' = 0) by (inversion H0; reflexivity). subst s'. rewrite Rmult_0_r, Rplus_0_l in H2. cbn [map app]. eapply stage_more; eauto.
      + assert (Hne : t :: l <> []) by easy. pose proof (scaled_sum_sized c (t :: l) s s' Hne Hl H H0) as Hn.
        destruct m as [| p m].
        * destruct IHscaled as [[_ ->] | [E _]]; [| contradiction]. rewrite Rplus_0_r in H2. rewrite app_nil_r.
          right. split; [discriminate |]. now exists (c * s').
        * right. split; [discriminate |]. exists (c * s' + a). split; [exact H2 |].
          apply sized_plus; [discriminate | discriminate | | exact IHscaled]. right. split; [discriminate |]. exists (c * s'). split; [constructor | exact Hn].
    - inversion Hok as [| ? ? Hc Hm]; subst. specialize (IHscaled Hm a eq_refl).
      pose proof (scaled_weight_sized c w w0 w1 w2 x x' Hc H H0 H1 H2) as Hn.
      right. split; [discriminate |]. exists (w2 * x' + a). split; [assumption |]. destruct m as [| p m].
      + destruct IHscaled as [[_ ->] | [E _]]; [| contradiction]. now rewrite Rplus_0_r.
      + apply (sized_plus [(c, Product w x)] (p :: m)); [discriminate | discriminate | | exact IHscaled].
        right. split; [discriminate |]. exists (w2 * x'). split; [constructor | exact Hn].
    - assert (Hl : Forall part_ok l) by (eapply Permutation_Forall; [apply Permutation_sym; eassumption | exact Hok]).
      eapply stage_permutation; [| eassumption | now apply IHscaled]. intros l0 m0 v Hp HP. unfold sized, scaled_size in *.
      now rewrite <- (Permutation_length Hp), <- (sum_permutation _ _ _ _ Hp).
  Qed.

  (* ---- No overflow *)

  (* What the lowering guarantees: what a scale other than 1 gives is below 2^127. *)
  Definition weight_ok (p : part) : Prop := fst p <> 1 -> match snd p with Product w _ => Rabs (fst p * w) <= p2 127 | Addend _ => True end.

  Definition reach (l : list part) : R := grow (S (length l)) * (5 / 4 * (F * scaled_size l) + 32 * INR (length l)).

  Lemma reach_left : forall l m, reach l <= reach (l ++ m).
  Proof.
    intros l m. unfold reach. rewrite app_length, plus_INR. replace (scaled_size (l ++ m)) with (scaled_size l + scaled_size m) by (symmetry; apply sum_app).
    pose proof (scaled_size_nonnegative l). pose proof (scaled_size_nonnegative m). pose proof (pos_INR (length l)). pose proof (pos_INR (length m)).
    pose proof (power_ge_1 (S (length l))) as Hg. fold (grow (S (length l))) in Hg.
    assert (0 <= F * scaled_size l) by (apply Rmult_le_pos; lra). assert (0 <= F * scaled_size m) by (apply Rmult_le_pos; lra).
    apply Rmult_le_compat; [lra | lra | apply grow_le; lia | lra].
  Qed.

  Lemma reach_permutation : forall l m, Permutation l m -> reach l = reach m.
  Proof. intros l m H. unfold reach, scaled_size. now rewrite (Permutation_length H), (sum_permutation _ _ _ _ H). Qed.

  Lemma reach_right : forall l m, reach m <= reach (l ++ m).
  Proof. intros l m. rewrite (reach_permutation _ _ (Permutation_app_comm l m)). apply reach_left. Qed.

  Lemma sized_does_not_overflow : forall l v, l <> [] -> sized l v -> reach l < overflow32 -> ~ passes v None.
  Proof.
    intros l v Hl Hv Hr H. apply passes_overflow in H. destruct (length_INR _ l Hl) as (L1 & _). pose proof eta_4 as (_ & E1). pose proof D_bounds.
    pose proof (scaled_size_nonnegative l). pose proof (power_ge_1 (S (length l))) as Hg. fold (grow (S (length l))) in Hg. pose proof eta_positive.
    unfold sized in Hv. assert (X : (1 + D) * Rabs v <= (1 + D) * (grow (length l) * (scaled_size l + 4 * (3 * INR (length l) - 2)))) by (apply Rmult_le_compat_l; lra).
    rewrite <- Rmult_assoc, grow_step in X.
    assert (Y : grow (S (length l)) * (scaled_size l + 4 * (3 * INR (length l) - 2) + 4) <= reach l).
    { apply Rmult_le_compat_l; [lra |]. assert (1 * scaled_size l <= F * scaled_size l) by (apply Rmult_le_compat_r; lra). lra. }
    lra.
  Qed.

  Lemma sum_does_not_overflow : forall c l, Forall part_ok (map (pair c) l) -> reach (map (pair c) l) < overflow32 -> ~ evaluates l None.
  Proof.
    intros c l Hok Hr H. apply (evaluates_does_not_overflow _ _ H); [| reflexivity]. eapply Rle_lt_trans; [| exact Hr].
    destruct l as [| t l].
    - unfold largest, reach, magnitude, operands, scaled_size, sum, grow. cbn. lra.
    - assert (Hl : t :: l <> []) by easy. set (ts := t :: l) in *. pose proof (scale_of c ts Hl Hok) as Hc.
      destruct (common_scale c ts Hc) as (_ & V2 & _). destruct Hc as (_ & _ & HF).
      destruct (length_INR _ ts Hl) as (L1 & _). pose proof (magnitude_nonnegative ts). pose proof eta_4 as (E4 & E1). pose proof eta_positive.
      assert (Ho : operands ts <= INR (length ts) * (2 * p2 128)).
      { clear - Hok. unfold operands. rewrite <- sum_constant. apply sum_le. intros [w x | b] Ht; cbn [leaf_operands]; [| apply Rmult_le_pos; [lra | apply bpow_ge_0]].
        rewrite Forall_forall in Hok. specialize (Hok (c, Product w x) ltac:(now apply in_map)). destruct Hok as (_ & Hw & Hx). cbn [snd] in *. lra. }
      pose proof (operands_nonnegative ts).
      unfold largest, reach. fold (grow (length ts)). rewrite map_length, V2.
      pose proof (power_ge_1 (length ts)) as Hg. fold (grow (length ts)) in Hg.
      assert (X : eta * (2 * INR (length ts) + operands ts) <= 32 * INR (length ts)).
      { assert (eta * operands ts <= eta * (INR (length ts) * (2 * p2 128))) by (apply Rmult_le_compat_l; lra).
        replace (eta * (INR (length ts) * (2 * p2 128))) with (2 * INR (length ts) * (eta * p2 128)) in * by ring. rewrite E4 in *.
        assert (eta * (2 * INR (length ts)) <= 1 * (2 * INR (length ts))) by (apply Rmult_le_compat_r; lra). lra. }
      assert (Y : magnitude ts <= 5 / 4 * (F * (Rabs c * magnitude ts))).
      { replace (5 / 4 * (F * (Rabs c * magnitude ts))) with (5 / 4 * (F * Rabs c) * magnitude ts) by ring.
        rewrite <- (Rmult_1_l (magnitude ts)) at 1. apply Rmult_le_compat_r; lra. }
      apply Rmult_le_compat; [lra | | apply grow_le; lia | lra].
      assert (0 <= eta * (2 * INR (length ts) + operands ts)) by (apply Rmult_le_pos; lra). lra.
  Qed.

  Lemma scaled_does_not_overflow : forall l o, scaled l o -> Forall part_ok l -> Forall weight_ok l -> reach l < overflow32 -> o <> None.
  Proof.
    induction 1; intros Hok Hw Hr Ho; try discriminate; subst.
    - eapply sum_does_not_overflow; eauto.
    - destruct l as [| t l].
      + destruct (evaluates_inside _ _ H _ eq_refl) as [[_ E] | [E _]]; [| contradiction]. subst s.
        assert (s' = 0) by (inversion H0; reflexivity). subst s'. rewrite Rmult_0_r in H1. apply passes_zero in H1. discriminate.
      + eapply sized_does_not_overflow; [| | exact Hr | exact H1]; [discriminate |]. eapply scaled_sum_sized; eauto. discriminate.
    - inversion Hok as [| ? ? Hc _]; subst. eapply sized_does_not_overflow; [| | exact Hr | eassumption]; [discriminate |]. eapply scaled_weight_sized; eauto.
    - apply Forall_app in Hok. destruct Hok as (Hl & Hm).
      pose proof (scaled_sized _ _ H Hl _ eq_refl) as Sl. pose proof (scaled_sized _ _ H0 Hm _ eq_refl) as Sm.
      destruct l as [| p l].
      + destruct Sl as [[_ ->] | [E _]]; [| contradiction]. rewrite Rplus_0_l in H1. destruct Sm as [[-> ->] | (Hne & v & Hv & HP)]; [apply passes_zero in H1; discriminate |].
        eapply sized_does_not_overflow; [exact Hne | exact HP | exact Hr | eapply passes_trans; eauto].
      + destruct m as [| p' m].
        * destruct Sm as [[_ ->] | [E _]]; [| contradiction]. rewrite Rplus_0_r in H1. rewrite app_nil_r in Hr. destruct Sl as [[E _] | (Hne & v & Hv & HP)]; [discriminate E |].
          eapply sized_does_not_overflow; [exact Hne | exact HP | exact Hr | eapply passes_trans; eauto].
        * eapply sized_does_not_overflow; [| | exact Hr | exact H1]; [discriminate |]. apply sized_plus; auto; discriminate.
    - apply Forall_app in Hok. destruct Hok as (Hl & Hm). pose proof (scaled_sized _ _ H1 Hm _ eq_refl) as Sm.
      destruct l as [| t l].
      + destruct (evaluates_inside _ _ H _ eq_refl) as [[_ E] | [E _]]; [| contradiction]. subst s.
        assert (s' = 0) by (inversion H0; reflexivity). subst s'. rewrite Rmult_0_r, Rplus_0_l in H2. cbn [map app] in Hr.
        destruct Sm as [[-> ->] | (Hne & v & Hv & HP)]; [apply passes_zero in H2; discriminate |].
        eapply sized_does_not_overflow; [exact Hne | exact HP | exact Hr | eapply passes_trans; eauto].
      + assert (Hne : t :: l <> []) by easy. pose proof (scaled_sum_sized c (t :: l) s s' Hne Hl H H0) as Hn.
        destruct m as [| p m].
        * destruct Sm as [[_ ->] | [E _]]; [| contradiction]. rewrite Rplus_0_r in H2. rewrite app_nil_r in Hr.
          eapply sized_does_not_overflow; [| exact Hn | exact Hr | exact H2]. discriminate.
        * eapply sized_does_not_overflow; [| | exact Hr | exact H2]; [discriminate |].
          apply sized_plus; [discriminate | discriminate | | exact Sm]. right. split; [discriminate |]. exists (c * s'). split; [constructor | exact Hn].
    - inversion Hok as [| ? ? Hc Hm]; subst. pose proof (scaled_sized _ _ H3 Hm _ eq_refl) as Sm.
      pose proof (scaled_weight_sized c w w0 w1 w2 x x' Hc H H0 H1 H2) as Hn. destruct m as [| p m].
      + destruct Sm as [[_ ->] | [E _]]; [| contradiction]. rewrite Rplus_0_r in H4. eapply sized_does_not_overflow; [| exact Hn | exact Hr | exact H4]. discriminate.
      + eapply sized_does_not_overflow; [| | exact Hr | exact H4]; [discriminate |].
        apply (sized_plus [(c, Product w x)] (p :: m)); [discriminate | discriminate | | exact Sm].
        right. split; [discriminate |]. exists (w2 * x'). split; [constructor | exact Hn].
    - eapply sum_does_not_overflow; eauto.
    - inversion Hw as [| ? ? Hcw _]; subst. specialize (Hcw H). cbn [fst snd] in Hcw. apply passes_overflow in H1. pose proof D_bounds.
      assert (Rabs (c * w0) <= p2 127).
      { destruct H0 as [w | w Hw0]; [exact Hcw |]. rewrite Rmult_0_r, Rabs_R0. apply bpow_ge_0. }
      assert ((1 + D) * Rabs (c * w0) <= (1 + D) * p2 127) by (apply Rmult_le_compat_l; lra). pose proof eta_4 as (_ & E1). unfold overflow32 in *. simpl in *. lra.
    - apply Forall_app in Hok, Hw. destruct Hok, Hw. apply IHscaled; auto. pose proof (reach_left l m). lra.
    - apply Forall_app in Hok, Hw. destruct Hok, Hw. apply IHscaled; auto. pose proof (reach_right l m). lra.
    - rewrite <- (reach_permutation _ _ H) in Hr. apply IHscaled; auto; (eapply Permutation_Forall; [apply Permutation_sym; exact H | assumption]).
  Qed.
End Scaled.

(* ---- The theorem *)

Definition scaled_error (F : R) (l : list part) : R :=
  gamma (INR (length l) + 3) * scaled_size l + 2 * eta * F * (2 * INR (length l) + 3 + scaled_operands l).

Definition scaled_premise (F : R) (l : list part) : Prop := (1 + gamma (INR (length l) + 3)) * F * scaled_size l + 1 < p2 127.

Lemma grow_le_gamma : forall l : list part, INR (length l) + 3 <= 4194304 ->
  grow (S (length l)) <= 1 + gamma (INR (length l) + 3) - u32 / 4 /\ grow (S (length l)) <= 4 / 3.
Proof.
  intros l Hn. pose proof (pos_INR (length l)) as H0. set (N := INR (length l)) in *. split.
  - unfold grow. destruct (power_le_gamma (S (length l))) as (H & _); [rewrite S_INR; fold N; lra |]. rewrite S_INR in H. fold N in H.
    assert (Hg : gamma (N + 1 + 1) <= gamma (N + 3)).
    { assert (E : forall k, 0 <= k <= 4194304 -> gamma k = / (1 - k * u32) - 1) by (intros k Hk; unfold gamma; field; rewrite u32_value; lra).
      rewrite !E by lra. apply Rplus_le_compat_r. apply Rinv_le; rewrite u32_value; lra. }
    lra.
  - unfold grow. pose proof D_bounds as HD.
    assert (Hk : INR (S (length l)) * D <= / 4).
    { rewrite S_INR. fold N. apply Rle_trans with (4194302 * / 16777214); [apply Rmult_le_compat; lra | lra]. }
    eapply Rle_trans; [apply power_le_inverse; lra |]. replace (4 / 3) with (/ (3 / 4)) by field. apply Rinv_le; lra.
Qed.

Theorem every_scaled_evaluation_is_within_the_error : forall F l o z, 1 <= F -> INR (length l) + 3 <= 4194304 ->
  Forall (part_ok F) l -> Forall weight_ok l -> scaled_premise F l -> scaled l o ->
  Rabs (z - scaled_value l) <= p2 (-30) * scaled_size l ->
  exists r, o = Some r /\ Rabs (r - z) <= scaled_error F l.
Proof.
  intros F l o z HF Hn Hok Hw Hp H Hz. destruct (grow_le_gamma l Hn) as (G1 & G2). pose proof (scaled_size_nonnegative l) as HS.
  pose proof (scaled_operands_nonnegative l) as HO. pose proof eta_positive as He. pose proof (pos_INR (length l)) as H0.
  assert (Hu : 0 < u32) by apply bpow_gt_0. pose proof (power_ge_1 (S (length l))) as Hg. fold (grow (S (length l))) in Hg.
  assert (HeF : 0 < eta * F) by (apply Rmult_lt_0_compat; lra).
  destruct o as [r |].
  - exists r. split; [reflexivity |].
    assert (Hr : Rabs (r - scaled_value l) <= scaled_error F l - u32 / 4 * scaled_size l).
    { pose proof (scaled_stage F HF _ _ H Hok _ eq_refl) as Hst. unfold scaled_error. destruct l as [| p l'].
      - destruct Hst as [[_ ->] | [E _]]; [| contradiction]. unfold scaled_value, scaled_size, scaled_operands, sum. cbn. rewrite Rminus_0_r, Rabs_R0.
        assert (0 <= 2 * eta * F * (2 * 0 + 3 + 0)) by (repeat apply Rmult_le_pos; lra). lra.
      - assert (Hl : p :: l' <> []) by easy. set (ps := p :: l') in *. pose proof (near_after F HF ps r Hl Hst) as E.
        eapply Rle_trans; [exact E |].
        assert (A1 : (grow (S (length ps)) - 1) * scaled_size ps <= (gamma (INR (length ps) + 3) - u32 / 4) * scaled_size ps) by (apply Rmult_le_compat_r; lra).
        destruct (length_INR _ ps Hl) as (L1 & _).
        assert (A2 : grow (S (length ps)) * (eta * F) * (3 * INR (length ps) - 1 + scaled_operands ps) <= 4 / 3 * (eta * F) * (3 * INR (length ps) - 1 + scaled_operands ps)).
        { apply Rmult_le_compat_r; [lra |]. apply Rmult_le_compat_r; lra. }
        assert (A3 : eta * F * (4 / 3 * (3 * INR (length ps) - 1 + scaled_operands ps)) <= eta * F * (2 * (2 * INR (length ps) + 3 + scaled_operands ps))).
        { apply Rmult_le_compat_l; lra. }
        lra. }
    replace (r - z) with ((r - scaled_value l) + - (z - scaled_value l)) by ring. eapply Rle_trans; [apply Rabs_triang |]. rewrite Rabs_Ropp.
    assert (p2 (-30) * scaled_size l <= u32 / 4 * scaled_size l) by (apply Rmult_le_compat_r; [exact HS | rewrite u32_value; simpl; lra]). lra.
  - exfalso. eapply (scaled_does_not_overflow F HF l None H Hok Hw); [| reflexivity]. unfold reach, scaled_premise in *.
    assert (0 <= F * scaled_size l) by (apply Rmult_le_pos; lra).
    assert (A1 : grow (S (length l)) * (F * scaled_size l) <= (1 + gamma (INR (length l) + 3)) * (F * scaled_size l)) by (apply Rmult_le_compat_r; lra).
    assert (A2 : grow (S (length l)) * (32 * INR (length l)) <= 4 / 3 * (32 * INR (length l))) by (apply Rmult_le_compat_r; lra).
    unfold overflow32. simpl in *. lra.
Qed.
