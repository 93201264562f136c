(* The arithmetic of spec/certificate.md section 2 and the rounding errors of its
   sums. Every lemma starts from the finiteness of a last result, which is what the
   checker tests, and concludes an inequality between reals.

   Relies on Binary64. *)
From Flocq Require Import Core Mult_error.
From Coq Require Import ZArith Reals List Lra Lia Psatz Floats Uint63.
From AxiomProofs Require Import Lists Binary64.
Import ListNotations.
Local Open Scope R_scope.

Definition U : float := 0x1p-52.
Definition tau : float := 0x1p-990.

Definition least (a b : float) : float := if (b <? a)%float then b else a.
Definition most (a b : float) : float := if (a <? b)%float then b else a.
Definition lower (x e : float) : float := (x - ((e + (abs x + e) * 0x1p-50) + tau))%float.
Definition upper (x e : float) : float := (x + ((e + (abs x + e) * 0x1p-50) + tau))%float.
Definition charge (c t : float) : float := (c - (t + (4 * U) * (abs c + t)))%float.

(* Sums run over increasing index, starting from s. *)
Definition fsum {A} (f : A -> float) (l : list A) (s : float) : float := fold_left (fun s a => (s + f a)%float) l s.

Transparent tauR.
Lemma V_tau : V tau = tauR.
Proof.
  unfold tau. literal_V 0x1p-990%float. unfold tauR.
  replace (-990)%Z with (52 + -1042)%Z by lia. rewrite bpow_plus. simpl (p2 52). reflexivity.
Qed.
Lemma tau_bpow : forall e, (-990 <= e)%Z -> tauR <= p2 e.
Proof. intros. now apply bpow_le. Qed.
Lemma tau_tiny : tauR <= d * d * d * d.
Proof. unfold tauR. rewrite d_value, <- !bpow_plus. apply bpow_le. lia. Qed.
Opaque tauR.
Lemma V_50 : V 0x1p-50 = 8 * d. Proof. literal_V 0x1p-50%float. unfold d. simpl. lra. Qed.
Lemma V_U : V U = 2 * d. Proof. unfold U. literal_V 0x1p-52%float. unfold d. simpl. lra. Qed.
Lemma V_4U : V (4 * U) = 8 * d. Proof. literal_V (4 * U)%float. unfold d. simpl. lra. Qed.
Lemma V_2U : V (2 * U) = 4 * d. Proof. literal_V (2 * U)%float. unfold d. simpl. lra. Qed.
Lemma fin_tau : fin tau. Proof. literal_fin. Qed.
Lemma tau_positive : 0 < tauR. Proof. rewrite tau_w. pose proof w_positive. lra. Qed.

(* Bounds of |.| as two inequalities. *)
Ltac unabs := repeat match goal with H : Rabs (_ - _) <= _ |- _ => apply Rabs_le_inv in H end.
Ltac numeric := unfold d in *; lra.

Lemma Rabs_plus_le : forall a b, Rabs (a + b) <= Rabs a + Rabs b.
Proof. exact Rabs_triang. Qed.
Lemma Rabs_minus_le : forall a b, Rabs (a - b) <= Rabs a + Rabs b.
Proof. intros. unfold Rminus. eapply Rle_trans; [apply Rabs_triang |]. rewrite Rabs_Ropp. lra. Qed.

(* Operations on non-negative numbers *)
Lemma add_pos : forall x y, fin (x + y)%float -> 0 <= V x -> 0 <= V y ->
  fin x /\ fin y /\ (1 - d) * (V x + V y) <= V (x + y)%float <= (1 + d) * (V x + V y).
Proof.
  intros x y H Hx Hy. destruct (add_V _ _ H) as (Fx & Fy & He & _). rewrite (Rabs_pos_eq (V x + V y)) in He by lra.
  unabs. repeat split; auto; lra.
Qed.

Lemma mul_pos : forall x y, fin (x * y)%float -> 0 <= V x -> 0 <= V y ->
  fin x /\ fin y /\ (1 - d) * (V x * V y) - w <= V (x * y)%float <= (1 + d) * (V x * V y) + w.
Proof.
  intros x y H Hx Hy. destruct (mul_V _ _ H) as (Fx & Fy & He).
  rewrite (Rabs_pos_eq (V x * V y)) in He by now apply Rmult_le_pos.
  unabs. repeat split; auto; lra.
Qed.

Lemma add_any : forall x y, fin (x + y)%float ->
  fin x /\ fin y /\ Rabs (V (x + y)%float - (V x + V y)) <= d * (Rabs (V x) + Rabs (V y)).
Proof.
  intros x y H. destruct (add_V _ _ H) as (Fx & Fy & He & _). repeat split; auto.
  pose proof (Rabs_plus_le (V x) (V y)). numeric.
Qed.

Lemma sub_any : forall x y, fin (x - y)%float ->
  fin x /\ fin y /\ Rabs (V (x - y)%float - (V x - V y)) <= d * (Rabs (V x) + Rabs (V y)).
Proof.
  intros x y H. destruct (sub_V _ _ H) as (Fx & Fy & He & _). repeat split; auto.
  pose proof (Rabs_minus_le (V x) (V y)). numeric.
Qed.

Lemma slack_le : forall x e, fin ((e + (abs x + e) * 0x1p-50) + tau)%float -> 0 <= V e ->
  fin x /\ fin e /\ V e * (1 + (59 / 10) * d) + (78 / 10) * d * Rabs (V x) + tauR * (1 - 4 * d)
                    <= V ((e + (abs x + e) * 0x1p-50) + tau)%float.
Proof.
  intros x e H He. pose proof w_positive. pose proof tau_w. pose proof tau_positive. pose proof (Rabs_pos (V x)).
  assert (Ft : fin (e + (abs x + e) * 0x1p-50)%float) by apply (add_fin _ _ H).
  assert (Fm : fin ((abs x + e) * 0x1p-50)%float) by apply (add_fin _ _ Ft).
  assert (Fs : fin (abs x + e)%float) by apply (mul_fin _ _ Fm).
  destruct (add_pos _ _ Fs) as (Fx & Fe & Es); [rewrite abs_V; apply Rabs_pos | exact He |]. rewrite abs_V in Es.
  assert (0 <= V (abs x + e)%float) by (apply add_sign; auto; rewrite abs_V; apply Rabs_pos).
  destruct (mul_pos _ _ Fm) as (_ & _ & Em); [assumption | rewrite V_50; numeric |]. rewrite V_50 in Em.
  assert (0 <= V ((abs x + e) * 0x1p-50)%float) by (apply mul_sign; auto; rewrite V_50; numeric).
  destruct (add_pos _ _ Ft) as (_ & _ & Et); auto.
  assert (0 <= V (e + (abs x + e) * 0x1p-50)%float) by (apply add_sign; auto).
  destruct (add_pos _ _ H) as (_ & _ & E4); [assumption | rewrite V_tau; lra |]. rewrite V_tau in E4.
  split; [exact (proj1 (abs_fin x) Fx) |]. split; [exact Fe |]. numeric.
Qed.

(* What LOWER and UPPER of section 2 give: room for a relative error of e and of x. *)
Lemma lower_V : forall x e, fin (lower x e) -> 0 <= V e ->
  fin x /\ fin e /\ V (lower x e) <= V x - V e * (1 + (48 / 10) * d) - (67 / 10) * d * Rabs (V x) - tauR / 2.
Proof.
  intros x e H He. unfold lower in *.
  destruct (sub_any _ _ H) as (Fx & Ft & Es). destruct (slack_le _ _ Ft He) as (_ & Fe & Hs).
  pose proof (Rabs_pos (V x)). pose proof tau_positive.
  rewrite (Rabs_pos_eq (V (_ + tau)%float)) in Es by numeric. unabs.
  split; [exact Fx |]. split; [exact Fe |]. numeric.
Qed.

Lemma upper_V : forall x e, fin (upper x e) -> 0 <= V e ->
  fin x /\ fin e /\ V x + V e * (1 + (48 / 10) * d) + (67 / 10) * d * Rabs (V x) + tauR / 2 <= V (upper x e).
Proof.
  intros x e H He. unfold upper in *.
  destruct (add_any _ _ H) as (Fx & Ft & Es). destruct (slack_le _ _ Ft He) as (_ & Fe & Hs).
  pose proof (Rabs_pos (V x)). pose proof tau_positive.
  rewrite (Rabs_pos_eq (V (_ + tau)%float)) in Es by numeric. unabs.
  split; [exact Fx |]. split; [exact Fe |]. numeric.
Qed.

Lemma most_V : forall a b, fin a -> fin b -> fin (most a b) /\ V a <= V (most a b) /\ V b <= V (most a b).
Proof.
  intros a b Ha Hb. unfold most. destruct (a <? b)%float eqn:H.
  - apply ltb_V in H; auto. repeat split; auto; lra.
  - repeat split; auto; try lra. apply Rnot_lt_le. intros Hlt. apply ltb_V in Hlt; auto. congruence.
Qed.

Lemma least_V : forall a b, fin a -> fin b -> fin (least a b) /\ V (least a b) <= V a /\ V (least a b) <= V b.
Proof.
  intros a b Ha Hb. unfold least. destruct (b <? a)%float eqn:H.
  - apply ltb_V in H; auto. split; [exact Hb | lra].
  - apply ltb_false in H; auto. split; [exact Ha | lra].
Qed.

(* ---- charge *)

(* Sums of small floats are exact. *)
Lemma small_sum_exact : forall x y, Rabs (V x + V y) < p2 (-1022) -> rnd (V x + V y) = V x + V y.
Proof.
  intros x y H. apply round_generic; [typeclasses eauto |].
  pose proof (format_V x) as Hx. pose proof (format_V y) as Hy.
  apply generic_format_FIX_FLT in Hx. apply generic_format_FIX_FLT in Hy.
  apply FIX_format_generic in Hx. apply FIX_format_generic in Hy.
  destruct Hx as [[mx ex] Hx Ex]. destruct Hy as [[my ey] Hy Ey]. simpl in Ex, Ey. subst.
  assert (Hs : V x + V y = F2R (Float radix2 (mx + my) (-1074))).
  { rewrite Hx, Hy. unfold F2R; simpl Fnum; simpl Fexp. rewrite plus_IZR. ring. }
  apply generic_format_FLT. exists (Float radix2 (mx + my) (-1074)); [exact Hs | | simpl; lia].
  simpl. rewrite Hs in H. rewrite <- F2R_Zabs in H. simpl in H. apply lt_IZR.
  apply Rmult_lt_reg_r with (p2 (-1074)); [apply bpow_gt_0 |].
  unfold F2R in H. simpl Fnum in H. simpl Fexp in H. eapply Rlt_le_trans; [exact H |].
  change (p2 (-1022) <= p2 53 * p2 (-1074)). rewrite <- bpow_plus. apply bpow_le. lia.
Qed.

(* Taking a charge off c lowers it by at least the charge, rounding included. *)
Lemma charge_le : forall c t, fin (charge c t) -> 0 <= V t -> fin c /\ fin t /\ V (charge c t) <= V c - V t.
Proof.
  intros c t H Ht. unfold charge in *. pose proof w_positive.
  destruct (sub_fin _ _ H) as (Fc & Fu & Hr).
  destruct (add_fin _ _ Fu) as (Ft & Fm & Hu). destruct (mul_fin _ _ Fm) as (_ & Fs & Hm).
  destruct (add_pos _ _ Fs) as (_ & _ & Es); [rewrite abs_V; apply Rabs_pos | exact Ht |]. rewrite abs_V in Es.
  pose proof (Rabs_pos (V c)) as Hc.
  assert (Hs0 : 0 <= V (abs c + t)%float) by numeric.
  assert (Hm0 : 0 <= V (4 * U * (abs c + t))%float) by (apply mul_sign; auto; rewrite V_4U; numeric).
  split; [exact Fc |]. split; [exact Ft |].
  assert (Hsmall : p2 (-1022) = 9007199254740992 * w).
  { Transparent w. unfold w. replace (-1022)%Z with (53 + -1075)%Z by lia. rewrite bpow_plus. change (p2 53) with 9007199254740992. ring. }
  destruct (Rlt_or_le (Rabs (V c) + V t) (p2 (-1024))) as [Hlt | Hge].
  - assert (H24 : p2 (-1024) * 4 = p2 (-1022)).
    { replace (-1022)%Z with (2 + -1024)%Z by lia. rewrite bpow_plus. change (p2 2) with 4. ring. }
    destruct (mul_pos _ _ Fm) as (_ & _ & Em); [rewrite V_4U; numeric | assumption |]. rewrite V_4U in Em.
    rewrite (small_sum_exact t (4 * U * (abs c + t))) in Hu.
    2:{ apply Rabs_def1; numeric. }
    unfold Rminus in Hr. rewrite <- opp_V in Hr. rewrite small_sum_exact in Hr.
    2:{ rewrite opp_V, Hu. pose proof (Rabs_le_inv _ _ (Rle_refl (Rabs (V c)))). apply Rabs_def1; numeric. }
    rewrite opp_V, Hu in Hr. rewrite Hr. lra.
  - assert (H24 : p2 (-1024) = 2251799813685248 * w).
    { unfold w. replace (-1024)%Z with (51 + -1075)%Z by lia. rewrite bpow_plus. change (p2 51) with 2251799813685248. ring. }
    destruct (mul_pos _ _ Fm) as (_ & _ & Em); [rewrite V_4U; numeric | assumption |]. rewrite V_4U in Em.
    destruct (add_pos _ _ Fu) as (_ & _ & Eu); auto.
    assert (Hu0 : 0 <= V (t + 4 * U * (abs c + t))%float) by numeric.
    destruct (sub_any _ _ H) as (_ & _ & Er). rewrite (Rabs_pos_eq _ Hu0) in Er. unabs. numeric.
Qed.

(* With a charge that is not tiny there is room for one more rounding of c. *)
Lemma charge_room : forall c t, fin (charge c t) -> tauR / 2 <= V t ->
  fin c /\ fin t /\ V (charge c t) <= V c - V t * (1 + 5 * d) - 5 * d * Rabs (V c).
Proof.
  intros c t H Ht0. pose proof tau_positive. assert (Ht : 0 <= V t) by lra. unfold charge in *.
  pose proof w_positive. pose proof tau_w.
  destruct (sub_fin _ _ H) as (Fc & Fu & _).
  destruct (add_fin _ _ Fu) as (Ft & Fm & _). destruct (mul_fin _ _ Fm) as (_ & Fs & _).
  destruct (add_pos _ _ Fs) as (_ & _ & Es); [rewrite abs_V; apply Rabs_pos | exact Ht |]. rewrite abs_V in Es.
  pose proof (Rabs_pos (V c)) as Hc.
  assert (Hs0 : 0 <= V (abs c + t)%float) by numeric.
  assert (Hm0 : 0 <= V (4 * U * (abs c + t))%float) by (apply mul_sign; auto; rewrite V_4U; numeric).
  split; [exact Fc |]. split; [exact Ft |].
  destruct (mul_pos _ _ Fm) as (_ & _ & Em); [rewrite V_4U; numeric | assumption |]. rewrite V_4U in Em.
  destruct (add_pos _ _ Fu) as (_ & _ & Eu); auto.
  assert (Hu0 : 0 <= V (t + 4 * U * (abs c + t))%float) by numeric.
  destruct (sub_any _ _ H) as (_ & _ & Er). rewrite (Rabs_pos_eq _ Hu0) in Er. unabs. numeric.
Qed.
Opaque w.

(* ---- Sums *)

Lemma powers : forall n, INR n <= 1099511627776 ->
  1 <= (1 + d) ^ n /\ (1 + d) ^ n - 1 <= INR n * d * (4001 / 4000) /\ (1 + d) ^ n <= 2.
Proof.
  intros n Hn. pose proof (pos_INR n).
  assert (H1 : forall k, 1 <= (1 + d) ^ k) by (intros; apply pow_R1_Rle; numeric).
  assert (Hb : forall j, INR j <= INR n -> (1 + d) ^ j * (1 - INR j * d) <= 1).
  { induction j as [| j IH]; [simpl; lra |]. rewrite S_INR. intros Hj. specialize (IH ltac:(lra)). simpl.
    pose proof (H1 j). pose proof (pos_INR j).
    assert ((1 + d) * (1 - (INR j + 1) * d) <= 1 - INR j * d) by (unfold d; nra).
    assert (0 <= 1 - (INR j + 1) * d) by numeric. nra. }
  specialize (Hb n (Rle_refl _)). specialize (H1 n).
  set (q := (1 + d) ^ n) in *. set (h := INR n * d) in *.
  assert (0 <= h <= / 8192) by (unfold h; numeric).
  assert (q - 1 <= h * (4001 / 4000)) by nra.
  repeat split; lra.
Qed.

Lemma fsum_error_power : forall A (f : A -> float) (r : A -> R) l s,
  (forall a, In a l -> fin (f a) -> Rabs (V (f a) - r a) <= d * Rabs (r a) + w) ->
  fin (fsum f l s) ->
  fin s /\ (forall a, In a l -> fin (f a)) /\
  Rabs (V (fsum f l s) - (V s + sum r l)) <=
    ((1 + d) ^ length l - 1) * Rabs (V s) + ((1 + d) ^ S (length l) - 1) * sum (fun a => Rabs (r a)) l
    + 2 * INR (length l) * (1 + d) ^ length l * w.
Proof.
  intros A f r. induction l as [| a l IH]; intros s Hr H.
  - simpl in *. split; [exact H |]. split; [easy |].
    replace (V s - (V s + 0)) with 0 by ring. rewrite Rabs_R0. pose proof (Rabs_pos (V s)). unfold d. lra.
  - change (fsum f (a :: l) s) with (fsum f l (s + f a)%float) in *.
    destruct (IH (s + f a)%float) as (Fs & Fl & E); [intros; apply Hr; auto; now right | exact H |].
    destruct (add_any _ _ Fs) as (Fs' & Fa & Ea). specialize (Hr a (or_introl eq_refl) Fa) as Er.
    split; [exact Fs' |]. split; [intros b [-> | Hb]; auto |].
    cbn [sum fold_right length]. change (fold_right (fun a0 s0 => r a0 + s0) 0 l) with (sum r l).
    change (fold_right (fun a0 s0 => Rabs (r a0) + s0) 0 l) with (sum (fun a => Rabs (r a)) l).
    rewrite S_INR. set (T := sum (fun a0 => Rabs (r a0)) l) in *.
    assert (HT : 0 <= T) by (apply sum_nonnegative; intros; apply Rabs_pos).
    assert (Hq : 1 <= (1 + d) ^ length l) by (apply pow_R1_Rle; numeric).
    cbn [pow] in E |- *. set (q := (1 + d) ^ length l) in *. pose proof w_positive as Hw.
    pose proof (Rabs_pos (V s)) as Ps. pose proof (Rabs_pos (r a)) as Pr. pose proof (pos_INR (length l)) as Hn.
    assert (Hfa : Rabs (V (f a)) <= (1 + d) * Rabs (r a) + w).
    { replace (V (f a)) with (r a + (V (f a) - r a)) by ring. eapply Rle_trans; [apply Rabs_triang | lra]. }
    assert (Ev : Rabs (V (s + f a)%float - (V s + r a)) <= d * Rabs (V s) + ((1 + d) * (1 + d) - 1) * Rabs (r a) + (1 + d) * w).
    { replace (V (s + f a)%float - (V s + r a)) with ((V (s + f a)%float - (V s + V (f a))) + (V (f a) - r a)) by ring.
      eapply Rle_trans; [apply Rabs_triang |]. unfold d in *. nra. }
    assert (Hv : Rabs (V (s + f a)%float) <= (1 + d) * Rabs (V s) + (1 + d) * (1 + d) * Rabs (r a) + (1 + d) * w).
    { replace (V (s + f a)%float) with ((V s + r a) + (V (s + f a)%float - (V s + r a))) by ring.
      eapply Rle_trans; [apply Rabs_triang |]. pose proof (Rabs_triang (V s) (r a)). unfold d in *. lra. }
    replace (V (fsum f l (s + f a)) - (V s + (r a + sum r l))) with
      ((V (fsum f l (s + f a)) - (V (s + f a)%float + sum r l)) + (V (s + f a)%float - (V s + r a))) by ring.
    eapply Rle_trans; [apply Rabs_triang |].
    assert (Hd : 0 < d) by (unfold d; lra).
    set (n := INR (length l)) in *. set (x := Rabs (V s)) in *. set (z := Rabs (r a)) in *. set (v := Rabs (V (s + f a)%float)) in *.
    clear - E Ev Hv HT Hq Hw Ps Pr Hn Hd.
    assert (H1 : (q - 1) * v <= (q - 1) * ((1 + d) * x + (1 + d) * (1 + d) * z + (1 + d) * w)).
    { apply Rmult_le_compat_l; [lra | exact Hv]. }
    assert (H2 : 0 <= d * q * (1 + d) * T).
    { repeat apply Rmult_le_pos; lra. }
    assert (H3 : 2 * n * q * w <= 2 * n * ((1 + d) * q) * w).
    { assert (0 <= n * q * w * d) by (repeat apply Rmult_le_pos; lra). lra. }
    assert (H4 : (1 + d) * q * w <= 2 * ((1 + d) * q) * w).
    { assert (0 <= (1 + d) * q * w) by (repeat apply Rmult_le_pos; lra). lra. }
    lra.
Qed.

(* The form in which it is used: N terms, at most 2^40 of them. *)
Lemma fsum_error : forall A (f : A -> float) (r : A -> R) l s,
  INR (length l) + 1 <= 1099511627776 ->
  (forall a, In a l -> fin (f a) -> Rabs (V (f a) - r a) <= d * Rabs (r a) + w) ->
  fin (fsum f l s) ->
  fin s /\ (forall a, In a l -> fin (f a)) /\
  Rabs (V (fsum f l s) - (V s + sum r l)) <=
    (INR (length l) + 1) * d * (4001 / 4000) * (Rabs (V s) + sum (fun a => Rabs (r a)) l) + 4 * INR (length l) * w.
Proof.
  intros A f r l s Hn Hr H. destruct (fsum_error_power A f r l s Hr H) as (Fs & Fl & E).
  split; [exact Fs |]. split; [exact Fl |]. eapply Rle_trans; [exact E |].
  destruct (powers (S (length l))) as (P1 & P2 & P3); [rewrite S_INR; lra |].
  destruct (powers (length l)) as (Q1 & Q2 & Q3); [lra |]. rewrite S_INR in P2.
  pose proof (pos_INR (length l)). pose proof w_positive.
  assert (HT : 0 <= sum (fun a => Rabs (r a)) l) by (apply sum_nonnegative; intros; apply Rabs_pos).
  pose proof (Rabs_pos (V s)) as HS.
  assert (0 <= INR (length l) * w) by (apply Rmult_le_pos; lra).
  assert (((1 + d) ^ length l - 1) * Rabs (V s) <= ((INR (length l) + 1) * d * (4001 / 4000)) * Rabs (V s)).
  { apply Rmult_le_compat_r; [lra | numeric]. }
  assert (((1 + d) ^ S (length l) - 1) * sum (fun a => Rabs (r a)) l
          <= ((INR (length l) + 1) * d * (4001 / 4000)) * sum (fun a => Rabs (r a)) l) by now apply Rmult_le_compat_r.
  assert (2 * INR (length l) * (1 + d) ^ length l * w <= 4 * INR (length l) * w).
  { replace (4 * INR (length l) * w) with (2 * INR (length l) * 2 * w) by ring.
    apply Rmult_le_compat_r; [lra |]. apply Rmult_le_compat_l; lra. }
  lra.
Qed.

(* A sum of non-negative terms is not much too small. *)
Lemma fsum_pos : forall A (f : A -> float) (r : A -> R) l s,
  INR (length l) + 1 <= 1099511627776 -> 0 <= V s -> (forall a, In a l -> 0 <= r a) ->
  (forall a, In a l -> fin (f a) -> Rabs (V (f a) - r a) <= d * Rabs (r a) + w) ->
  fin (fsum f l s) ->
  (1 - (INR (length l) + 1) * d * (4001 / 4000)) * (V s + sum r l) - 4 * INR (length l) * w <= V (fsum f l s)
  <= (1 + (INR (length l) + 1) * d * (4001 / 4000)) * (V s + sum r l) + 4 * INR (length l) * w.
Proof.
  intros A f r l s Hn Hs Hp Hr H. destruct (fsum_error A f r l s Hn Hr H) as (_ & _ & E).
  rewrite (sum_ext _ (fun a => Rabs (r a)) r) in E by (intros; apply Rabs_pos_eq; auto).
  rewrite (Rabs_pos_eq (V s)) in E by exact Hs. unabs. lra.
Qed.

Lemma fsum_sign : forall A (f : A -> float) l s, fin (fsum f l s) -> 0 <= V s ->
  (forall a, In a l -> fin (f a) -> 0 <= V (f a)) -> 0 <= V (fsum f l s).
Proof.
  intros A f. induction l as [| a l IH]; intros s H Hs Hf; [exact Hs |].
  change (fsum f (a :: l) s) with (fsum f l (s + f a)%float) in *.
  assert (Fs : fin (s + f a)%float).
  { revert H. clear. revert a s. induction l as [| b l IH]; intros a s H; [exact H |].
    change (fsum f (b :: l) (s + f a)%float) with (fsum f l ((s + f a) + f b)%float) in H.
    apply IH in H. now apply add_fin in H. }
  apply IH; [exact H | | intros; apply Hf; auto; now right].
  destruct (add_fin _ _ Fs) as (_ & Fa & _). apply add_sign; auto. apply Hf; auto. now left.
Qed.

(* ---- Exact operations *)

Lemma rnd_scale : forall x e, generic_format radix2 F64 x -> p2 (-500) <= Rabs x -> (-500 <= e)%Z ->
  rnd (x * p2 e) = x * p2 e.
Proof.
  intros x e Hx Hb He. apply round_generic; [typeclasses eauto |].
  apply mult_bpow_exact_FLT; [exact Hx |].
  assert (-500 < mag radix2 x)%Z.
  { apply mag_gt_bpow. exact Hb. }
  lia.
Qed.

Lemma rnd_INR : forall n, (Z.of_nat n <= 2 ^ 53)%Z -> rnd (INR n) = INR n.
Proof. intros n Hn. destruct (float_of_nat_V n Hn) as (_ & <-). apply rnd_V. Qed.
