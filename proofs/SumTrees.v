(* Every evaluation of a sum cluster stays inside the float32 relation
   (spec/operators.md section 5, "covered evaluations").

   A cluster sums products w*x and addends b. `evaluates` says which results an
   evaluation may have: any binary tree over the leaves, exact zeros inserted
   anywhere, each product rounded or fused, every operation in binary32 or in a
   format of at least 48 bits (another one per operation if it likes), stored as
   binary32 at any point, subnormals kept or flushed, on operands or on results.
   An evaluation that overflows has the result None.

   Relies on Flocq's formats and rounding functions. *)
From Coq Require Import Reals List Permutation ZArith Lra Lia Psatz.
From Flocq Require Import Core Relative.
From AxiomProofs Require Import Lists.
Import ListNotations.
Local Open Scope R_scope.

Notation p2 := (bpow radix2).

Definition u32 : R := p2 (-24).
Definition eta : R := p2 (-126).

Definition nearest32 : R -> R := round radix2 (FLT_exp (-149) 24) ZnearestE.
Definition binary32 : R -> Prop := generic_format radix2 (FLT_exp (-149) 24).

(* Rounding to nearest gives an infinity in binary32 from here on: halfway between
   the greatest finite number and 2^128. Formats with more bits and at least the
   same exponents overflow later. *)
Definition overflow32 : R := p2 128 - p2 103.

(* What may happen to an exact result v before the next operation reads it. *)
Inductive step : R -> option R -> Prop :=
  | step_wide : forall p emin choice v, (48 <= p)%Z -> (emin <= -149)%Z ->
      step v (Some (round radix2 (FLT_exp emin p) (Znearest choice) v))
  | step_store : forall v, step v (Some (nearest32 v))
  | step_flush : forall v, Rabs v < eta -> step v (Some 0)
  | step_overflow : forall v, overflow32 <= Rabs v -> step v None.

Inductive passes : R -> option R -> Prop :=
  | passes_exact : forall v, passes v (Some v)
  | passes_more : forall v c r, passes v (Some c) -> step c r -> passes v r.

(* An operand is read as it is, or as zero when it is subnormal. *)
Inductive operand : R -> R -> Prop :=
  | operand_kept : forall v, operand v v
  | operand_flushed : forall v, Rabs v < eta -> operand v 0.

Inductive leaf := Product (w x : R) | Addend (b : R).

Inductive evaluates : list leaf -> option R -> Prop :=
  | evaluates_zero : evaluates [] (Some 0)
  | evaluates_addend : forall b r, passes b r -> evaluates [Addend b] r
  | evaluates_product : forall w x w' x' r, operand w w' -> operand x x' ->
      passes (w' * x') r -> evaluates [Product w x] r
  | evaluates_sum : forall l m a b r, evaluates l (Some a) -> evaluates m (Some b) ->
      passes (a + b) r -> evaluates (l ++ m) r
  | evaluates_fused : forall w x w' x' m a r, operand w w' -> operand x x' ->
      evaluates m (Some a) -> passes (w' * x' + a) r -> evaluates (Product w x :: m) r
  | evaluates_failed_left : forall l m, evaluates l None -> evaluates (l ++ m) None
  | evaluates_failed_right : forall l m, evaluates m None -> evaluates (l ++ m) None
  | evaluates_reordered : forall l m r, Permutation l m -> evaluates l r -> evaluates m r.

Definition leaf_value (t : leaf) : R := match t with Product w x => w * x | Addend b => b end.
Definition leaf_size (t : leaf) : R := match t with Product w x => Rabs w * Rabs x | Addend b => Rabs b end.
Definition leaf_operands (t : leaf) : R := match t with Product w x => Rabs w + Rabs x | Addend _ => 0 end.

Definition value (l : list leaf) : R := sum leaf_value l.
Definition magnitude (l : list leaf) : R := sum leaf_size l.     (* S *)
Definition operands (l : list leaf) : R := sum leaf_operands l.  (* sum |w| + sum |x| *)

Definition gamma (k : R) : R := k * u32 / (1 - k * u32).

(* E of a cluster; length l is n + m. *)
Definition cluster_error (l : list leaf) : R :=
  gamma (INR (length l) + 1) * magnitude l + 2 * eta * (2 * INR (length l) + 1 + operands l).

Definition cluster_premise (l : list leaf) : Prop :=
  (1 + gamma (INR (length l) + 1)) * magnitude l + 1 < p2 127.

(* ---- Constants *)

Lemma u32_value : u32 = / 16777216.
Proof. reflexivity. Qed.

Lemma eta_positive : 0 < eta.
Proof. apply bpow_gt_0. Qed.

(* The relative error of one step of passes: rounding to 48 bits, then to 24. *)
Definition D : R := u32 + u32 * u32 + 4 * (u32 * u32 * u32).

Lemma D_bounds : 0 < D < / 16777214.
Proof. unfold D; rewrite u32_value; lra. Qed.

(* ---- The envelope of formats with at least 48 bits *)

Notation F48 := (FLT_exp (-149) 48).
Notation down48 := (round radix2 F48 Zfloor).
Notation up48 := (round radix2 F48 Zceil).
Notation F32 := (FLT_exp (-149) 24).

Global Instance valid48 : Valid_exp F48. Proof. apply FLT_exp_valid. reflexivity. Qed.
Global Instance valid32 : Valid_exp F32. Proof. apply FLT_exp_valid. reflexivity. Qed.

Lemma format_inclusion : forall p q emin x, (0 < p <= q)%Z -> (emin <= -149)%Z ->
  generic_format radix2 (FLT_exp (-149) p) x -> generic_format radix2 (FLT_exp emin q) x.
Proof.
  intros p q emin x Hp Hm. apply generic_inclusion_mag. intros _.
  unfold FLT_exp. lia.
Qed.

Lemma wide_round_fixes_48 : forall p emin choice x, (48 <= p)%Z -> (emin <= -149)%Z ->
  generic_format radix2 F48 x -> round radix2 (FLT_exp emin p) (Znearest choice) x = x.
Proof.
  intros. apply round_generic; [typeclasses eauto |]. apply format_inclusion with 48%Z; auto; lia.
Qed.

Definition within48 (v c : R) := down48 v <= c <= up48 v.

Lemma within48_refl : forall v, within48 v v.
Proof.
  intros v. split.
  - apply (round_DN_pt radix2 F48 v).
  - apply (round_UP_pt radix2 F48 v).
Qed.

Lemma wide_round_within48 : forall p emin choice v c, (48 <= p)%Z -> (emin <= -149)%Z ->
  within48 v c -> within48 v (round radix2 (FLT_exp emin p) (Znearest choice) c).
Proof.
  intros p emin choice v c Hp He [Hl Hu].
  assert (Hv : Valid_exp (FLT_exp emin p)) by (apply FLT_exp_valid; red; lia).
  split.
  - rewrite <- (wide_round_fixes_48 p emin choice (down48 v)) by (auto; apply generic_format_round; typeclasses eauto).
    now apply round_le; try typeclasses eauto.
  - rewrite <- (wide_round_fixes_48 p emin choice (up48 v)) by (auto; apply generic_format_round; typeclasses eauto).
    now apply round_le; try typeclasses eauto.
Qed.

Lemma eta_in_48 : generic_format radix2 F48 eta.
Proof. apply generic_format_bpow. unfold FLT_exp. lia. Qed.

Lemma eta_in_32 : generic_format radix2 F32 eta.
Proof. apply generic_format_bpow. unfold FLT_exp. lia. Qed.

Lemma within48_small : forall v c, within48 v c -> Rabs c < eta -> Rabs v < eta.
Proof.
  intros v c [Hl Hu] Hc. apply Rabs_def2 in Hc. apply Rabs_def1; apply Rnot_le_lt; intros H.
  - apply (round_le radix2 F48 Zfloor) in H. rewrite (round_generic _ _ Zfloor eta) in H by apply eta_in_48. lra.
  - apply (round_le radix2 F48 Zceil) in H.
    rewrite (round_generic _ _ Zceil (- eta)) in H by (apply generic_format_opp, eta_in_48). lra.
Qed.

Lemma nearest32_small : forall c, Rabs (nearest32 c) < eta -> Rabs c < eta.
Proof.
  intros c Hc. apply Rabs_def2 in Hc. unfold nearest32 in Hc. apply Rabs_def1; apply Rnot_le_lt; intros H.
  - apply (round_le radix2 F32 ZnearestE) in H. rewrite (round_generic _ _ ZnearestE eta) in H by apply eta_in_32. lra.
  - apply (round_le radix2 F32 ZnearestE) in H.
    rewrite (round_generic _ _ ZnearestE (- eta)) in H by (apply generic_format_opp, eta_in_32). lra.
Qed.

Lemma within48_error : forall v c, within48 v c -> Rabs (c - v) <= 2 * u32 * u32 * Rabs v + p2 (-149).
Proof.
  intros v c [Hl Hu].
  assert (Hd : Rabs (down48 v - v) <= ulp radix2 F48 v) by (apply error_le_ulp; typeclasses eauto).
  assert (Hup : Rabs (up48 v - v) <= ulp radix2 F48 v) by (apply error_le_ulp; typeclasses eauto).
  assert (Hc : Rabs (c - v) <= ulp radix2 F48 v).
  { apply Rabs_le. apply Rabs_le_inv in Hd. apply Rabs_le_inv in Hup. lra. }
  eapply Rle_trans; [exact Hc |].
  assert (Hpos : 0 <= 2 * u32 * u32 * Rabs v).
  { pose proof (Rabs_pos v). rewrite u32_value. lra. }
  pose proof (bpow_ge_0 radix2 (-149)) as H149.
  destruct (Rlt_or_le (Rabs v) (p2 (-149 + 48))) as [Hs | Hs].
  - rewrite ulp_FLT_small by (try exact Hs; reflexivity). lra.
  - assert (ulp radix2 F48 v <= Rabs v * p2 (1 - 48)).
    { apply ulp_FLT_le. eapply Rle_trans; [| exact Hs]. apply bpow_le. lia. }
    replace (p2 (1 - 48)) with (2 * u32 * u32) in H by (unfold u32; simpl; lra). lra.
Qed.

Lemma nearest32_error : forall c, Rabs (nearest32 c - c) <= u32 / (1 + u32) * Rabs c + p2 (-150).
Proof.
  intros c.
  destruct (relative_error_N_FLT'_ex radix2 (-149) 24 ltac:(lia) (fun x => negb (Z.even x)) c) as (e & h & He & Hh & _ & H).
  unfold nearest32. rewrite H.
  replace (c * (1 + e) + h - c) with (e * c + h) by ring.
  eapply Rle_trans; [apply Rabs_triang |]. rewrite Rabs_mult.
  replace (u_ro radix2 24) with u32 in He by (unfold u_ro, u32; simpl; lra).
  replace (/ 2 * p2 (-149)) with (p2 (-150)) in Hh by (simpl; lra).
  pose proof (Rabs_pos c). nra.
Qed.

(* All that can come out of passes, in one line. *)
Lemma passes_cases : forall v o, passes v o -> forall r, o = Some r ->
  (Rabs v < eta /\ r = 0) \/ within48 v r \/ exists c, within48 v c /\ r = nearest32 c.
Proof.
  induction 1 as [v | v c o Hp IH Hs]; intros r Hr.
  - injection Hr as <-. right; left. apply within48_refl.
  - specialize (IH c eq_refl).
    subst o. destruct IH as [[Hv ->] | [Hc | (c0 & Hc0 & ->)]]; inversion Hs; subst.
    + left. split; [exact Hv | apply round_0; typeclasses eauto].
    + left. split; [exact Hv | apply round_0; typeclasses eauto].
    + now left.
    + right; left. now apply wide_round_within48.
    + right; right. now exists c.
    + left. split; [| reflexivity]. eapply within48_small; eauto.
    + right; right. exists c0. split; [exact Hc0 |].
      apply wide_round_fixes_48; auto. apply format_inclusion with 24%Z; try lia.
      apply generic_format_round; typeclasses eauto.
    + right; right. exists c0. split; [exact Hc0 |]. unfold nearest32. apply round_generic; [typeclasses eauto |].
      apply generic_format_round; typeclasses eauto.
    + left. split; [| reflexivity]. eapply within48_small; eauto. now apply nearest32_small.
Qed.

Lemma passes_error : forall v r, passes v (Some r) -> Rabs (r - v) <= D * Rabs v + eta.
Proof.
  intros v r H. pose proof (Rabs_pos v) as Hv. pose proof D_bounds as HD.
  assert (Hsmall : p2 (-149) + p2 (-149) + p2 (-150) <= eta).
  { unfold eta. simpl. lra. }
  assert (H149 : 0 < p2 (-149)) by apply bpow_gt_0.
  assert (H150 : 0 < p2 (-150)) by apply bpow_gt_0.
  assert (Hu : u32 / (1 + u32) <= u32 - u32 * u32 + u32 * u32 * u32).
  { rewrite u32_value. lra. }
  destruct (passes_cases v _ H r eq_refl) as [[Hs ->] | [Hw | (c & Hw & ->)]].
  - replace (0 - v) with (- v) by ring. rewrite Rabs_Ropp. nra.
  - pose proof (within48_error _ _ Hw). unfold D. rewrite u32_value in *. lra.
  - pose proof (within48_error _ _ Hw) as H1. pose proof (nearest32_error c) as H2.
    assert (H3 : Rabs c <= Rabs v + Rabs (c - v)).
    { replace c with (v + (c - v)) at 1 by ring. apply Rabs_triang. }
    replace (nearest32 c - v) with ((nearest32 c - c) + (c - v)) by ring.
    eapply Rle_trans; [apply Rabs_triang |].
    assert (H4 : u32 / (1 + u32) * Rabs c <= u32 / (1 + u32) * (Rabs v + (2 * u32 * u32 * Rabs v + p2 (-149)))).
    { apply Rmult_le_compat_l; [rewrite u32_value; lra | lra]. }
    assert (H5 : u32 / (1 + u32) * (Rabs v + (2 * u32 * u32 * Rabs v + p2 (-149))) <=
      (u32 - u32 * u32 + u32 * u32 * u32) * (Rabs v + (2 * u32 * u32 * Rabs v + p2 (-149)))).
    { apply Rmult_le_compat_r; [rewrite u32_value; lra | exact Hu]. }
    unfold D. rewrite u32_value in *. lra.
Qed.

Lemma passes_overflow : forall v, passes v None -> overflow32 <= (1 + D) * Rabs v + eta.
Proof.
  intros v H. inversion H as [| v' c r Hp Hs]; subst. inversion Hs; subst.
  pose proof (passes_error _ _ Hp) as He.
  assert (Rabs c <= Rabs v + Rabs (c - v)).
  { replace c with (v + (c - v)) at 1 by ring. apply Rabs_triang. }
  lra.
Qed.

Lemma operand_product_error : forall w w' x x', operand w w' -> operand x x' ->
  Rabs (w' * x' - w * x) <= eta * (Rabs w + Rabs x).
Proof.
  intros w w' x x' Hw Hx. pose proof (Rabs_pos w). pose proof (Rabs_pos x). pose proof eta_positive.
  destruct Hw as [w | w Hw]; destruct Hx as [x | x Hx].
  - replace (w * x - w * x) with 0 by ring. rewrite Rabs_R0. nra.
  - replace (w * 0 - w * x) with (- (w * x)) by ring. rewrite Rabs_Ropp, Rabs_mult. nra.
  - replace (0 * x - w * x) with (- (w * x)) by ring. rewrite Rabs_Ropp, Rabs_mult. nra.
  - replace (0 * 0 - w * x) with (- (w * x)) by ring. rewrite Rabs_Ropp, Rabs_mult. nra.
Qed.

(* ---- The induction over evaluations *)

Lemma leaf_size_nonnegative : forall t, 0 <= leaf_size t.
Proof. intros [w x | b]; simpl; [apply Rmult_le_pos |]; apply Rabs_pos. Qed.

Lemma leaf_operands_nonnegative : forall t, 0 <= leaf_operands t.
Proof. intros [w x | b]; simpl; [apply Rplus_le_le_0_compat; apply Rabs_pos | lra]. Qed.

Lemma magnitude_nonnegative : forall l, 0 <= magnitude l.
Proof. intros. apply sum_nonnegative. intros; apply leaf_size_nonnegative. Qed.

Lemma operands_nonnegative : forall l, 0 <= operands l.
Proof. intros. apply sum_nonnegative. intros; apply leaf_operands_nonnegative. Qed.

Lemma value_le_magnitude : forall l, Rabs (value l) <= magnitude l.
Proof.
  intros. eapply Rle_trans; [apply sum_abs |]. apply sum_le. intros [w x | b] _; simpl; [| lra].
  rewrite Rabs_mult. lra.
Qed.

(* Error of k roundings on every path, i steps of which may flush. *)
Definition grown (k : nat) (M i : R) : R := ((1 + D) ^ k - 1) * M + (1 + D) ^ k * eta * i.

Lemma power_ge_1 : forall k, 1 <= (1 + D) ^ k.
Proof. intros. apply pow_R1_Rle. pose proof D_bounds. lra. Qed.

Lemma grown_monotone : forall k k' M i, (k <= k')%nat -> 0 <= M -> 0 <= i -> grown k M i <= grown k' M i.
Proof.
  intros k k' M i Hk HM Hi. unfold grown.
  assert ((1 + D) ^ k <= (1 + D) ^ k') by (apply Rle_pow; [pose proof D_bounds; lra | exact Hk]).
  pose proof eta_positive. assert (0 <= eta * i) by nra. nra.
Qed.

Lemma grown_step : forall k M i v y r, 0 <= M -> 0 <= i -> Rabs y <= M ->
  Rabs (v - y) <= grown k M i -> Rabs (r - v) <= D * Rabs v + eta -> Rabs (r - y) <= grown (S k) M (i + 1).
Proof.
  intros k M i v y r HM Hi Hy Hv Hr. pose proof D_bounds as HD. pose proof (power_ge_1 k). pose proof eta_positive.
  assert (H1 : Rabs v <= M + Rabs (v - y)).
  { replace v with (y + (v - y)) at 1 by ring. eapply Rle_trans; [apply Rabs_triang | lra]. }
  replace (r - y) with ((r - v) + (v - y)) by ring. eapply Rle_trans; [apply Rabs_triang |].
  assert (H2 : D * Rabs v <= D * (M + grown k M i)) by (apply Rmult_le_compat_l; lra).
  unfold grown in *. simpl.
  set (q := (1 + D) ^ k) in *. assert (1 <= (1 + D) * q) by nra.
  assert (eta <= (1 + D) * q * eta) by nra. nra.
Qed.

Definition before (l : list leaf) : R := 2 * INR (length l) - 2 + operands l.

Definition inside (l : list leaf) (r : R) : Prop :=
  l = [] /\ r = 0 \/
  l <> [] /\ exists v, passes v (Some r) /\ Rabs (v - value l) <= grown (Nat.pred (length l)) (magnitude l) (before l).

Lemma before_nonnegative : forall l, l <> [] -> 0 <= before l.
Proof.
  intros [|t l] H; [easy |]. unfold before. pose proof (operands_nonnegative (t :: l)).
  cbn [length]. rewrite S_INR. pose proof (pos_INR (length l)). lra.
Qed.

Lemma passes_trans : forall v r, passes v r -> forall w, passes w (Some v) -> passes w r.
Proof. induction 1 as [| v c r Hp IH Hs]; intros w Hw; [exact Hw |]. eapply passes_more; [apply IH; exact Hw | exact Hs]. Qed.

Lemma inside_error : forall l r, inside l r -> l <> [] ->
  Rabs (r - value l) <= grown (length l) (magnitude l) (before l + 1).
Proof.
  intros l r [[-> _] | [Hl (v & Hp & Hv)]] Hn; [easy |].
  replace (length l) with (S (Nat.pred (length l))) by (destruct l; [easy | reflexivity]).
  eapply grown_step; eauto using magnitude_nonnegative, before_nonnegative, value_le_magnitude, passes_error.
Qed.

Lemma length_nonempty : forall (l : list leaf), l <> [] -> (1 <= length l)%nat.
Proof. intros [|t l] H; [easy | simpl; lia]. Qed.

Lemma sum_inside : forall l m a b, l <> [] -> m <> [] -> inside l a -> inside m b ->
  Rabs (a + b - value (l ++ m)) <= grown (Nat.pred (length (l ++ m))) (magnitude (l ++ m)) (before (l ++ m)).
Proof.
  intros l m a b Hl Hm Ha Hb.
  pose proof (inside_error _ _ Ha Hl) as Ea. pose proof (inside_error _ _ Hb Hm) as Eb.
  pose proof (length_nonempty _ Hl). pose proof (length_nonempty _ Hm).
  pose proof (before_nonnegative _ Hl). pose proof (before_nonnegative _ Hm).
  set (k := Nat.pred (length (l ++ m))).
  assert (Hk : k = (length l + length m - 1)%nat) by (unfold k; rewrite app_length; lia).
  assert (Ea' : Rabs (a - value l) <= grown k (magnitude l) (before l + 1)).
  { eapply Rle_trans; [exact Ea |]. apply grown_monotone; [lia | apply magnitude_nonnegative | lra]. }
  assert (Eb' : Rabs (b - value m) <= grown k (magnitude m) (before m + 1)).
  { eapply Rle_trans; [exact Eb |]. apply grown_monotone; [lia | apply magnitude_nonnegative | lra]. }
  replace (value (l ++ m)) with (value l + value m) by (symmetry; apply sum_app).
  replace (magnitude (l ++ m)) with (magnitude l + magnitude m) by (symmetry; apply sum_app).
  replace (before (l ++ m)) with (before l + 1 + (before m + 1)).
  2:{ unfold before. rewrite app_length, plus_INR.
      replace (operands (l ++ m)) with (operands l + operands m) by (symmetry; apply sum_app). ring. }
  replace (a + b - (value l + value m)) with ((a - value l) + (b - value m)) by ring.
  eapply Rle_trans; [apply Rabs_triang |]. unfold grown in *. lra.
Qed.

Lemma fused_inside : forall w x w' x' m a, operand w w' -> operand x x' -> m <> [] -> inside m a ->
  let l := Product w x :: m in
  Rabs (w' * x' + a - value l) <= grown (Nat.pred (length l)) (magnitude l) (before l).
Proof.
  intros w x w' x' m a Hw Hx Hm Ha l.
  pose proof (inside_error _ _ Ha Hm) as Ea. pose proof (operand_product_error _ _ _ _ Hw Hx) as Ep.
  pose proof (before_nonnegative _ Hm). pose proof (power_ge_1 (length m)) as Hq.
  pose proof (Rabs_pos w). pose proof (Rabs_pos x). pose proof eta_positive.
  assert (Hb : before l = before m + 2 + (Rabs w + Rabs x)).
  { unfold before, l, operands. cbn [length sum fold_right leaf_operands]. rewrite S_INR. unfold sum. ring. }
  rewrite Hb. change (Nat.pred (length l)) with (length m).
  change (value l) with (w * x + value m). change (magnitude l) with (Rabs w * Rabs x + magnitude m).
  replace (w' * x' + a - (w * x + value m)) with ((w' * x' - w * x) + (a - value m)) by ring.
  eapply Rle_trans; [apply Rabs_triang |]. unfold grown in *.
  set (q := (1 + D) ^ length m) in *.
  assert (0 <= Rabs w * Rabs x) by nra.
  assert (eta * (Rabs w + Rabs x) <= q * eta * (Rabs w + Rabs x)).
  { assert (0 <= eta * (Rabs w + Rabs x)) by nra. nra. }
  assert (0 <= (q - 1) * (Rabs w * Rabs x)) by nra.
  assert (0 <= q * eta) by nra. nra.
Qed.

Lemma product_inside : forall w x w' x', operand w w' -> operand x x' ->
  let l := [Product w x] in
  Rabs (w' * x' - value l) <= grown (Nat.pred (length l)) (magnitude l) (before l).
Proof.
  intros w x w' x' Hw Hx l. pose proof (operand_product_error _ _ _ _ Hw Hx) as Ep.
  unfold l, grown, before, value, magnitude, operands, sum. cbn [length Nat.pred pow fold_right leaf_value leaf_size leaf_operands INR].
  replace (w' * x' - (w * x + 0)) with (w' * x' - w * x) by ring. lra.
Qed.

Lemma inside_permutation : forall l m r, Permutation l m -> inside l r -> inside m r.
Proof.
  intros l m r Hp [[-> ->] | [Hl (v & Hv & He)]].
  - apply Permutation_nil in Hp. now left.
  - right. split.
    + intros ->. apply Permutation_sym, Permutation_nil in Hp. now subst.
    + exists v. split; [exact Hv |]. unfold value, magnitude, before, operands in *.
      rewrite <- (Permutation_length Hp), <- !(sum_permutation _ _ _ _ Hp). exact He.
Qed.

Lemma passes_zero : forall o, passes 0 o -> o = Some 0.
Proof.
  intros o H. destruct o as [r |].
  - destruct (passes_cases _ _ H r eq_refl) as [[_ ->] | [Hw | (c & Hw & ->)]]; [reflexivity | |];
      unfold within48 in Hw; rewrite !round_0 in Hw by typeclasses eauto.
    + f_equal; lra.
    + f_equal. replace c with 0 by lra. apply round_0; typeclasses eauto.
  - apply passes_overflow in H. rewrite Rabs_R0 in H. unfold overflow32, eta in H. simpl in H. lra.
Qed.

Lemma evaluates_inside : forall l o, evaluates l o -> forall r, o = Some r -> inside l r.
Proof.
  induction 1; intros r0 Hr; try discriminate.
  - injection Hr as <-. now left.
  - subst. right. split; [easy |]. exists b. split; [assumption |].
    unfold grown, before, value, magnitude, operands, sum. simpl. replace (b - (b + 0)) with 0 by ring. rewrite Rabs_R0. lra.
  - subst. right. split; [easy |]. exists (w' * x'). split; [assumption | now apply product_inside].
  - subst. specialize (IHevaluates1 a eq_refl). specialize (IHevaluates2 b eq_refl).
    destruct IHevaluates1 as [[-> ->] | Hl]; destruct IHevaluates2 as [[-> ->] | Hm].
    + left. split; [reflexivity |]. rewrite Rplus_0_l in *. apply passes_zero in H1. congruence.
    + right. destruct Hm as [Hm (v & Hv & He)]. split; [exact Hm |]. exists v. split; [| exact He].
      rewrite Rplus_0_l in H1. eapply passes_trans; eauto.
    + right. rewrite app_nil_r. destruct Hl as [Hl (v & Hv & He)]. split; [exact Hl |]. exists v. split; [| exact He].
      rewrite Rplus_0_r in H1. eapply passes_trans; eauto.
    + assert (l <> [] /\ m <> []) as [Hl' Hm'] by (split; [apply Hl | apply Hm]).
      right. split; [intros He; apply app_eq_nil in He; tauto |].
      exists (a + b). split; [assumption |]. apply sum_inside; auto; now right.
  - subst. specialize (IHevaluates a eq_refl). right. split; [easy |]. exists (w' * x' + a). split; [assumption |].
    destruct m as [| t m].
    + destruct IHevaluates as [[_ ->] | [Hn _]]; [| easy]. rewrite Rplus_0_r. now apply product_inside.
    + now apply fused_inside.
  - eapply inside_permutation; eauto.
Qed.

(* ---- No overflow *)

Definition largest (l : list leaf) : R := (1 + D) ^ length l * (magnitude l + eta * (2 * INR (length l) + operands l)).

Lemma largest_app_left : forall l m, largest l <= largest (l ++ m).
Proof.
  intros l m. unfold largest. rewrite app_length, plus_INR.
  replace (magnitude (l ++ m)) with (magnitude l + magnitude m) by (symmetry; apply sum_app).
  replace (operands (l ++ m)) with (operands l + operands m) by (symmetry; apply sum_app).
  pose proof (magnitude_nonnegative l). pose proof (magnitude_nonnegative m).
  pose proof (operands_nonnegative l). pose proof (operands_nonnegative m).
  pose proof (pos_INR (length l)). pose proof (pos_INR (length m)). pose proof eta_positive.
  assert ((1 + D) ^ length l <= (1 + D) ^ (length l + length m)) by (apply Rle_pow; [pose proof D_bounds; lra | lia]).
  pose proof (power_ge_1 (length l)).
  assert (0 <= eta * (2 * INR (length l) + operands l)) by nra.
  assert (0 <= eta * (2 * INR (length m) + operands m)) by nra.
  apply Rmult_le_compat; lra.
Qed.

Lemma largest_permutation : forall l m, Permutation l m -> largest l = largest m.
Proof.
  intros l m H. unfold largest, magnitude, operands.
  now rewrite (Permutation_length H), !(sum_permutation _ _ _ _ H).
Qed.

Lemma result_below_largest : forall l v, l <> [] ->
  Rabs (v - value l) <= grown (Nat.pred (length l)) (magnitude l) (before l) -> (1 + D) * Rabs v + eta <= largest l.
Proof.
  intros l v Hl Hv. pose proof (value_le_magnitude l). pose proof (before_nonnegative _ Hl). pose proof D_bounds.
  assert (Hv1 : Rabs v <= magnitude l + Rabs (v - value l)).
  { replace v with (value l + (v - value l)) at 1 by ring. eapply Rle_trans; [apply Rabs_triang | lra]. }
  unfold largest. replace (length l) with (S (Nat.pred (length l))) at 1 by (destruct l; [easy | reflexivity]).
  simpl. unfold grown in Hv. pose proof (power_ge_1 (Nat.pred (length l))) as Hq.
  set (q := (1 + D) ^ Nat.pred (length l)) in *. unfold before in *. pose proof eta_positive.
  assert (1 <= (1 + D) * q) by nra. assert (eta <= (1 + D) * q * eta) by nra.
  assert (Hv2 : Rabs v <= q * (magnitude l + eta * (2 * INR (length l) - 2 + operands l))) by lra.
  assert (Hv3 : (1 + D) * Rabs v <= (1 + D) * (q * (magnitude l + eta * (2 * INR (length l) - 2 + operands l)))).
  { apply Rmult_le_compat_l; lra. }
  lra.
Qed.

Lemma evaluates_does_not_overflow : forall l o, evaluates l o -> largest l < overflow32 -> o <> None.
Proof.
  induction 1; intros Hlim Ho; try discriminate; subst.
  - apply passes_overflow in H.
    enough ((1 + D) * Rabs b + eta <= largest [Addend b]) by lra.
    apply result_below_largest; [easy |]. unfold grown, before, value, magnitude, operands, sum. simpl.
    replace (b - (b + 0)) with 0 by ring. rewrite Rabs_R0. lra.
  - apply passes_overflow in H1.
    enough ((1 + D) * Rabs (w' * x') + eta <= largest [Product w x]) by lra.
    apply result_below_largest; [easy | now apply product_inside].
  - pose proof (evaluates_inside _ _ H _ eq_refl) as Ha. pose proof (evaluates_inside _ _ H0 _ eq_refl) as Hb.
    destruct Ha as [[-> ->] | Hl].
    + rewrite Rplus_0_l in H1. destruct Hb as [[-> ->] | [Hm (v & Hv & He)]].
      * apply passes_zero in H1. discriminate.
      * pose proof (passes_trans _ _ H1 _ Hv) as H2. apply passes_overflow in H2.
        pose proof (result_below_largest _ _ Hm He). simpl in Hlim. lra.
    + destruct Hb as [[-> ->] | Hm].
      * rewrite Rplus_0_r in H1. rewrite app_nil_r in Hlim. destruct Hl as [Hl (v & Hv & He)].
        pose proof (passes_trans _ _ H1 _ Hv) as H2. apply passes_overflow in H2.
        pose proof (result_below_largest _ _ Hl He). lra.
      * assert (l <> [] /\ m <> []) as [Hl' Hm'] by (split; [apply Hl | apply Hm]).
        apply passes_overflow in H1.
        enough ((1 + D) * Rabs (a + b) + eta <= largest (l ++ m)) by lra.
        apply result_below_largest; [intros He; apply app_eq_nil in He; tauto |].
        apply sum_inside; auto; now right.
  - apply passes_overflow in H2.
    enough ((1 + D) * Rabs (w' * x' + a) + eta <= largest (Product w x :: m)) by lra.
    apply result_below_largest; [easy |]. destruct m as [| t m].
    + destruct (evaluates_inside _ _ H1 _ eq_refl) as [[_ ->] | [Hn _]]; [| easy].
      rewrite Rplus_0_r. now apply product_inside.
    + apply fused_inside; auto; [easy |]. eapply evaluates_inside; eauto.
  - apply IHevaluates; [| reflexivity]. pose proof (largest_app_left l m). lra.
  - apply IHevaluates; [| reflexivity]. pose proof (largest_app_left m l) as Hm.
    rewrite (largest_permutation _ _ (Permutation_app_comm m l)) in Hm. lra.
  - apply IHevaluates; [| reflexivity]. now rewrite (largest_permutation _ _ H).
Qed.

(* ---- From powers to gamma *)

Lemma power_le_inverse : forall k, INR k * D < 1 -> (1 + D) ^ k <= / (1 - INR k * D).
Proof.
  intros k Hk. pose proof D_bounds as HD.
  assert (Hb : forall j, INR j * D < 1 -> (1 + D) ^ j * (1 - INR j * D) <= 1).
  { induction j as [| j IH]; [simpl; lra |]. rewrite S_INR. intros Hj.
    assert (Hj' : INR j * D < 1) by (pose proof (pos_INR j); nra).
    specialize (IH Hj'). simpl. pose proof (power_ge_1 j). pose proof (pos_INR j).
    assert (0 <= INR j * D * D) by nra.
    assert ((1 + D) * (1 - (INR j + 1) * D) <= 1 - INR j * D) by nra. nra. }
  apply Rmult_le_reg_r with (1 - INR k * D); [lra |]. rewrite Rinv_l by lra. now apply Hb.
Qed.

Lemma power_le_gamma : forall k, INR k + 1 <= 8388608 ->
  (1 + D) ^ k <= 1 + gamma (INR k + 1) - u32 / 4 /\ (1 + D) ^ k <= 2.
Proof.
  intros k Hk. pose proof (pos_INR k). set (K := INR k) in *.
  assert (HKD : K * D <= (K + 1) * u32 - u32 / 4).
  { unfold D. rewrite u32_value. lra. }
  assert (Hhalf : (K + 1) * u32 <= / 2) by (rewrite u32_value; lra).
  assert (Hp : (1 + D) ^ k <= / (1 - K * D)).
  { apply power_le_inverse. fold K. assert (0 < u32) by apply bpow_gt_0. lra. }
  assert (Hu : 0 < u32) by apply bpow_gt_0.
  assert (Hg : 1 + gamma (K + 1) = / (1 - (K + 1) * u32)) by (unfold gamma; field; lra).
  assert (Hgu : u32 <= (K + 1) * u32) by nra.
  set (g := (K + 1) * u32) in *.
  assert (Hx : / (1 - K * D) <= / (1 - g + u32 / 4)) by (apply Rinv_le; lra).
  assert (Hy : / (1 - g + u32 / 4) <= / (1 - g) - u32 / 4).
  { apply Rmult_le_reg_r with (1 - g + u32 / 4); [lra |]. rewrite Rinv_l by lra.
    assert (He : 1 <= / (1 - g)) by (rewrite <- Rinv_1 at 1; apply Rinv_le; lra).
    assert (Hf : / (1 - g) * (1 - g) = 1) by (apply Rinv_l; lra).
    set (w := / (1 - g)) in *.
    replace ((w - u32 / 4) * (1 - g + u32 / 4)) with (w * (1 - g) + u32 / 4 * (w - 1 + g - u32 / 4)) by field.
    assert (0 <= u32 / 4 * (w - 1 + g - u32 / 4)) by (apply Rmult_le_pos; lra). lra. }
  split; [lra |].
  assert (/ (1 - g) <= 2) by (replace 2 with (/ (/ 2)) by lra; apply Rinv_le; lra). lra.
Qed.

(* ---- The theorem *)

Lemma evaluation_error : forall l r, INR (length l) + 1 <= 8388608 -> evaluates l (Some r) ->
  Rabs (r - value l) <= cluster_error l - u32 / 4 * magnitude l.
Proof.
  intros l r Hk He. pose proof (evaluates_inside _ _ He _ eq_refl) as Hi.
  destruct (power_le_gamma _ Hk) as [Hg H2]. unfold cluster_error.
  pose proof (magnitude_nonnegative l). pose proof (operands_nonnegative l). pose proof eta_positive. pose proof (pos_INR (length l)).
  destruct l as [| t l'].
  - destruct Hi as [[_ ->] | [Hn _]]; [| easy]. unfold value, magnitude, sum. simpl. rewrite Rminus_0_r, Rabs_R0.
    unfold operands, sum. simpl. nra.
  - assert (Hl : t :: l' <> []) by easy. set (l := t :: l') in *.
    pose proof (inside_error _ _ Hi Hl) as E. unfold grown, before in E.
    set (q := (1 + D) ^ length l) in *. pose proof (power_ge_1 (length l)) as Hq1. fold q in Hq1.
    assert (Hfirst : (q - 1) * magnitude l <= (gamma (INR (length l) + 1) - u32 / 4) * magnitude l) by (apply Rmult_le_compat_r; lra).
    pose proof (before_nonnegative _ Hl) as Hb. unfold before in Hb.
    assert (Hsecond : q * eta * (2 * INR (length l) - 2 + operands l + 1) <= 2 * eta * (2 * INR (length l) - 2 + operands l + 1)).
    { apply Rmult_le_compat_r; [lra |]. apply Rmult_le_compat_r; lra. }
    nra.
Qed.

(* A number of binary32 range, as weights and values of elements are. *)
Definition in_range (t : leaf) : Prop :=
  match t with Product w x => Rabs w <= p2 128 /\ Rabs x <= p2 128 | Addend _ => True end.

Lemma premise_excludes_overflow : forall l, INR (length l) + 1 <= 8388608 -> Forall in_range l ->
  cluster_premise l -> largest l < overflow32.
Proof.
  intros l Hk Hr Hp. destruct (power_le_gamma _ Hk) as [Hg H2]. unfold cluster_premise in Hp. unfold largest.
  pose proof (magnitude_nonnegative l). pose proof (operands_nonnegative l). pose proof eta_positive. pose proof (pos_INR (length l)).
  assert (Ho : operands l <= INR (length l) * (2 * p2 128)).
  { clear - Hr. induction Hr as [| t l Ht Hl IH]; [unfold operands, sum; simpl; lra |].
    unfold operands in *. cbn [sum fold_right length]. rewrite S_INR. unfold sum in IH.
    assert (leaf_operands t <= 2 * p2 128).
    { destruct t as [w x | b]; simpl in *; [lra |]. assert (0 < p2 128) by apply bpow_gt_0. simpl in *. lra. }
    lra. }
  set (q := (1 + D) ^ length l) in *. pose proof (power_ge_1 (length l)) as Hq. fold q in Hq.
  assert (Hu : 0 < u32) by apply bpow_gt_0.
  assert (Hfirst : q * magnitude l <= (1 + gamma (INR (length l) + 1)) * magnitude l) by (apply Rmult_le_compat_r; lra).
  set (N := 2 * INR (length l) + operands l) in *.
  assert (HN : eta * N <= p2 28).
  { unfold N. replace (p2 28) with (eta * p2 154) by (unfold eta; rewrite <- bpow_plus; reflexivity).
    apply Rmult_le_compat_l; [lra |].
    assert (INR (length l) * (2 * p2 128) <= 8388608 * (2 * p2 128)).
    { apply Rmult_le_compat_r; [assert (0 < p2 128) by apply bpow_gt_0; lra | lra]. }
    simpl in *. lra. }
  assert (0 <= eta * N) by (unfold N; nra).
  assert (q * (eta * N) <= 2 * p2 28) by nra.
  unfold overflow32. simpl in *. lra.
Qed.

(* Whatever tree, precision, order, fusing and flushing: the result is a finite
   number within E of the exact sum. *)
Theorem every_evaluation_is_within_the_error : forall l o,
  INR (length l) + 1 <= 8388608 -> Forall in_range l -> cluster_premise l -> evaluates l o ->
  exists r, o = Some r /\ Rabs (r - value l) <= cluster_error l.
Proof.
  intros l o Hk Hr Hp He. destruct o as [r |].
  - exists r. split; [reflexivity |]. pose proof (evaluation_error _ _ Hk He).
    pose proof (magnitude_nonnegative l). assert (0 < u32) by apply bpow_gt_0. nra.
  - exfalso. eapply evaluates_does_not_overflow; eauto. now apply premise_excludes_overflow.
Qed.

(* The table of section 5 centres the relation at the bias b, which is the rounded sum of
   the constants: there is room for that rounding. *)
Theorem every_evaluation_is_within_the_error_of_a_rounded_sum : forall l o z,
  INR (length l) + 1 <= 8388608 -> Forall in_range l -> cluster_premise l -> evaluates l o ->
  Rabs (z - value l) <= p2 (-30) * magnitude l ->
  exists r, o = Some r /\ Rabs (r - z) <= cluster_error l.
Proof.
  intros l o z Hk Hr Hp He Hz.
  destruct (every_evaluation_is_within_the_error _ _ Hk Hr Hp He) as (r & -> & _).
  exists r. split; [reflexivity |]. pose proof (evaluation_error _ _ Hk He) as E.
  pose proof (magnitude_nonnegative l).
  replace (r - z) with ((r - value l) + - (z - value l)) by ring.
  eapply Rle_trans; [apply Rabs_triang |]. rewrite Rabs_Ropp. rewrite u32_value in E. simpl in Hz. lra.
Qed.
