(* Lines and bounds of the operators that are neither input nor affine
   (spec/certificate.md section 6): relu, leaky_relu, maxpool, constant.

   A line holds whatever the slope is: what is proved is the intercept. The tests
   of finiteness inside the definitions never fail on finite bounds of binary32
   size; they stand for a proof of that. Relies on Rounding. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Lra Lia Psatz Floats Uint63.
From AxiomProofs Require Import Lists SumTrees Binary64 Semantics Rounding AffineRows.
Import ListNotations.
Local Open Scope R_scope.
Local Open Scope bool_scope.

Record line := Line { s_lo : float; s_hi : float; k_lo : float; k_hi : float }.

Inductive slope := adaptive | zero_slope | one_slope | explicit (value : float).

(* The slope of the lower line; an explicit one is alpha or more. *)
Definition lower_slope (rule : slope) (alpha l h : float) : float :=
  match rule with
  | adaptive => if (- l <? h)%float then 1 else alpha
  | zero_slope => alpha
  | one_slope => 1
  | explicit v => let q := most alpha v in if (alpha <=? q)%float && (q <=? 1)%float then q else alpha
  end%float.

Definition relu_line (rule : slope) (l h : float) : line :=
  if (h <=? 0)%float then Line 0 0 0 0
  else if (0 <=? l)%float then Line 1 1 0 0
  else
    let s := (h / (h - l))%float in
    let a := (- (s * l))%float in
    let b := ((1 - s) * h)%float in
    let k := (most a b * (1 + 0x1p-48) + tau)%float in
    Line (lower_slope rule 0 l h) s 0 (if is_finite (h - l) && is_finite a && is_finite b then k else nan).

Definition leaky_relu_line (rule : slope) (alpha l h : float) : line :=
  if (h <=? 0)%float then Line alpha alpha 0 0
  else if (0 <=? l)%float then Line 1 1 0 0
  else
    let s := ((h - alpha * l) / (h - l))%float in
    let a := ((alpha - s) * l)%float in
    let b := ((1 - s) * h)%float in
    let k := (most 0 (most a b) * (1 + 0x1p-40) + (h - l) * 0x1p-48 + tau)%float in
    Line (lower_slope rule alpha l h) s 0 (if is_finite (h - l) && is_finite a && is_finite b then k else nan).

Definition relu_error (s : semantics) : float := match s with real => 0 | float32 => eta64 end%float.
Definition leaky_relu_error (s : semantics) (alpha x : float) : float :=
  match s with real => 0 | float32 => (single_u * alpha) * x * (1 + 0x1p-50) + 2 * eta64 end%float.

Definition relu_bounds (l h : float) : float * float :=
  ((if (eta64 <=? l) then l else 0), (if (0 <? h) then h else 0))%float.
Definition leaky_value (alpha z : float) : float := if (z <? 0)%float then (alpha * z)%float else z.
Definition leaky_relu_bounds (alpha l h e : float) : float * float :=
  (lower (leaky_value alpha l) e, upper (leaky_value alpha h) e).

(* The source with the greatest lower bound, the first of them, and the others. *)
Definition leader (lo : int -> float) (window : int * list int) : int * list int :=
  fold_left (fun p e => if (lo (fst p) <? lo e)%float then (e, fst p :: snd p) else (fst p, e :: snd p))
    (snd window) (fst window, []).
Definition greatest_hi (hi : int -> float) (p : int * list int) : float :=
  fold_left (fun m e => most m (hi e)) (snd p) (hi (fst p)).
Definition maxpool_line (lo hi : int -> float) (p : int * list int) : line :=
  if forallb (fun e => (hi e <=? lo (fst p))%float) (snd p) then Line 1 1 0 0 else Line 1 0 0 (greatest_hi hi p).
Definition maxpool_bounds (lo hi : int -> float) (p : int * list int) (e : float) : float * float :=
  (lower (lo (fst p)) e, upper (greatest_hi hi p) e).

Definition line_size (l : line) (x : float) : float :=
  (most (abs (k_lo l)) (abs (k_hi l)) + most (abs (s_lo l)) (abs (s_hi l)) * x)%float.

Definition line_finite (l : line) : bool :=
  is_finite (s_lo l) && is_finite (s_hi l) && is_finite (k_lo l) && is_finite (k_hi l).

(* ---- *)

Lemma nan_not_fin : ~ fin nan.
Proof. rewrite fin_SF. vm_compute. discriminate. Qed.

Lemma lower_slope_within : forall rule alpha l h, fin alpha -> 0 <= V alpha <= 1 -> fin (lower_slope rule alpha l h) ->
  V alpha <= V (lower_slope rule alpha l h) <= 1.
Proof.
  intros rule alpha l h Fa Ha H. unfold lower_slope in *. destruct rule.
  - destruct (- l <? h)%float; rewrite ?V_1; lra.
  - lra.
  - rewrite V_1; lra.
  - destruct (alpha <=? most alpha value)%float eqn:H1; [| simpl; lra].
    destruct (most alpha value <=? 1)%float eqn:H2; [| simpl; lra]. simpl in *.
    apply leb_V in H1; auto. apply leb_V in H2; auto using fin_1. rewrite V_1 in H2. lra.
Qed.

Section Hinge.
  Variables (l h : float) (z : R).
  Hypothesis Fl : fin l.
  Hypothesis Fh : fin h.
  Hypothesis Hz : V l <= z <= V h.

  (* Two products cover the greatest distance of a hinge from a line. *)
  Lemma product_covers : forall p q b, fin ((p - q) * b)%float ->
    (V p - V q) * V b <= V ((p - q) * b)%float + 3 * d * Rabs (V ((p - q) * b)%float) + 2 * w.
  Proof.
    intros p q b H. destruct (mul_V _ _ H) as (Fs & _ & E). destruct (sub_V _ _ Fs) as (_ & _ & E1 & _).
    set (m := V ((p - q) * b)%float) in *. set (s := V (p - q)%float) in *. set (r := V p - V q) in *.
    pose proof w_positive.
    assert (A : Rabs (s * V b - r * V b) <= d * Rabs (r * V b)).
    { replace (s * V b - r * V b) with ((s - r) * V b) by ring. rewrite !Rabs_mult.
      rewrite <- Rmult_assoc. apply Rmult_le_compat_r; [apply Rabs_pos | exact E1]. }
    assert (B : Rabs (r * V b) <= Rabs m + (Rabs (m - s * V b) + Rabs (s * V b - r * V b))).
    { replace (r * V b) with (m + (- (m - s * V b) - (s * V b - r * V b))) at 1 by ring.
      eapply Rle_trans; [apply Rabs_triang |]. apply Rplus_le_compat_l. eapply Rle_trans; [apply Rabs_minus_le |].
      rewrite Rabs_Ropp. lra. }
    assert (C : Rabs (s * V b) <= Rabs (r * V b) + Rabs (s * V b - r * V b)).
    { replace (s * V b) with (r * V b + (s * V b - r * V b)) at 1 by ring. apply Rabs_triang. }
    pose proof (Rabs_pos m). pose proof (Rabs_pos (r * V b)).
    pose proof (Rabs_le_inv _ _ A). pose proof (Rabs_le_inv _ _ E). numeric.
  Qed.

  Lemma hinge_upper : forall alpha s k, 0 <= alpha <= 1 -> V l < 0 -> 0 < V h ->
    0 <= k -> (alpha - s) * V l <= k -> (1 - s) * V h <= k -> leaky_relu alpha z <= s * z + k.
  Proof.
    intros alpha s k Ha Hl Hh Hk H1 H2. unfold leaky_relu. destruct (Rlt_dec z 0) as [Hn | Hn].
    - destruct (Rle_lt_dec 0 (alpha - s)); nra.
    - destruct (Rle_lt_dec 0 (1 - s)); nra.
  Qed.

  Lemma hinge_lower : forall alpha s, 0 <= alpha -> alpha <= s <= 1 -> s * z <= leaky_relu alpha z.
  Proof. intros alpha s Ha Hs. unfold leaky_relu. destruct (Rlt_dec z 0); nra. Qed.

  Lemma leaky_relu_line_sound : forall rule alpha, let L := leaky_relu_line rule alpha l h in
    fin alpha -> 0 <= V alpha <= 1 ->
    fin (s_lo L) -> fin (k_hi L) ->
    V (s_lo L) * z + V (k_lo L) <= leaky_relu (V alpha) z <= V (s_hi L) * z + V (k_hi L).
  Proof.
    intros rule alpha L Fa Ha Fs Fk. unfold L, leaky_relu_line in *.
    destruct (h <=? 0)%float eqn:Hh.
    { apply leb_V in Hh; auto using fin_0. rewrite V_0 in Hh. cbn [s_lo s_hi k_lo k_hi]. rewrite V_0. unfold leaky_relu.
      destruct (Rlt_dec z 0); [lra |]. assert (z = 0) by lra. subst. lra. }
    apply leb_false in Hh; auto using fin_0. rewrite V_0 in Hh.
    destruct (0 <=? l)%float eqn:Hl.
    { apply leb_V in Hl; auto using fin_0. rewrite V_0 in Hl. cbn [s_lo s_hi k_lo k_hi]. rewrite V_0, V_1. unfold leaky_relu. destruct (Rlt_dec z 0); lra. }
    apply leb_false in Hl; auto using fin_0. rewrite V_0 in Hl.
    cbn [s_lo s_hi k_lo k_hi] in *. rewrite V_0.
    set (s := ((h - alpha * l) / (h - l))%float) in *.
    destruct (is_finite (h - l)) eqn:G1; [| now apply nan_not_fin in Fk].
    destruct (is_finite ((alpha - s) * l)) eqn:G2; [| now apply nan_not_fin in Fk].
    destruct (is_finite ((1 - s) * h)) eqn:G3; [| now apply nan_not_fin in Fk]. cbn [andb] in *.
    apply finite_is_finite in G1, G2, G3.
    destruct (most_V _ _ G2 G3) as (Fm & M1 & M2). destruct (most_V _ _ fin_0 Fm) as (Fm' & M0 & M3). rewrite V_0 in M0.
    pose proof (product_covers _ _ _ G2) as C1. pose proof (product_covers _ _ _ G3) as C2. rewrite V_1 in C2.
    set (m := V (most 0 (most ((alpha - s) * l) ((1 - s) * h)))) in *.
    assert (F1 : fin (most 0 (most ((alpha - s) * l) ((1 - s) * h)) * (1 + 0x1p-40) + (h - l) * 0x1p-48)%float) by apply (add_fin _ _ Fk).
    destruct (add_fin _ _ F1) as (F2 & F3 & _).
    assert (V40 : V (1 + 0x1p-40)%float = 1 + 8192 * d) by (literal_V (1 + 0x1p-40)%float; unfold d; simpl; lra).
    assert (V48 : 0 <= V 0x1p-48) by (literal_V 0x1p-48%float; simpl; lra).
    destruct (mul_pos _ _ F2) as (_ & _ & (E2 & _)); [exact M0 | rewrite V40; numeric |]. rewrite V40 in E2. fold m in E2.
    assert (P2 : 0 <= V (most 0 (most ((alpha - s) * l) ((1 - s) * h)) * (1 + 0x1p-40))%float) by (apply mul_sign; auto; rewrite V40; numeric).
    assert (P3 : 0 <= V ((h - l) * 0x1p-48)%float).
    { apply mul_sign; auto. destruct (sub_fin _ _ G1) as (_ & _ & ->). rewrite <- rnd_0. apply rnd_le. lra. }
    destruct (add_pos _ _ F1) as (_ & _ & (E1 & _)); auto.
    assert (P1 := add_sign _ _ F1 P2 P3).
    pose proof tau_positive. pose proof tau_w. pose proof w_positive.
    destruct (add_pos _ _ Fk) as (_ & _ & (E0 & _)); [exact P1 | rewrite V_tau; lra |]. rewrite V_tau in E0.
    set (k := V (_ + tau)%float) in *.
    assert (K0 : m * (1 + 8000 * d) + tauR / 2 <= k) by numeric.
    split.
    - pose proof (lower_slope_within rule alpha l h Fa Ha Fs). pose proof (hinge_lower (V alpha) (V (lower_slope rule alpha l h)) ltac:(lra) ltac:(lra)). lra.
    - apply hinge_upper; auto.
      + numeric.
      + assert (Rabs (V ((alpha - s) * l)%float) <= m \/ V ((alpha - s) * l)%float < 0) as [Hr | Hr].
        { destruct (Rle_lt_dec 0 (V ((alpha - s) * l)%float)); [left; rewrite Rabs_pos_eq; lra | now right]. }
        * numeric.
        * rewrite Rabs_left in C1 by exact Hr. numeric.
      + assert (Rabs (V ((1 - s) * h)%float) <= m \/ V ((1 - s) * h)%float < 0) as [Hr | Hr].
        { destruct (Rle_lt_dec 0 (V ((1 - s) * h)%float)); [left; rewrite Rabs_pos_eq; lra | now right]. }
        * numeric.
        * rewrite Rabs_left in C2 by exact Hr. numeric.
  Qed.

  Lemma relu_is_leaky : Rmax 0 z = leaky_relu 0 z.
  Proof. unfold leaky_relu, Rmax. destruct (Rle_dec 0 z), (Rlt_dec z 0); lra. Qed.

  Lemma relu_line_sound : forall rule, let L := relu_line rule l h in
    fin (s_lo L) -> fin (k_hi L) ->
    V (s_lo L) * z + V (k_lo L) <= Rmax 0 z <= V (s_hi L) * z + V (k_hi L).
  Proof.
    intros rule L Fs Fk. rewrite relu_is_leaky. unfold L, relu_line in *.
    destruct (h <=? 0)%float eqn:Hh.
    { apply leb_V in Hh; auto using fin_0. rewrite V_0 in Hh. cbn [s_lo s_hi k_lo k_hi]. rewrite V_0. unfold leaky_relu.
      destruct (Rlt_dec z 0); lra. }
    apply leb_false in Hh; auto using fin_0. rewrite V_0 in Hh.
    destruct (0 <=? l)%float eqn:Hl.
    { apply leb_V in Hl; auto using fin_0. rewrite V_0 in Hl. cbn [s_lo s_hi k_lo k_hi]. rewrite V_0, V_1. unfold leaky_relu. destruct (Rlt_dec z 0); lra. }
    apply leb_false in Hl; auto using fin_0. rewrite V_0 in Hl.
    cbn [s_lo s_hi k_lo k_hi] in *. rewrite V_0.
    set (s := (h / (h - l))%float) in *.
    destruct (is_finite (h - l)) eqn:G1; [| now apply nan_not_fin in Fk].
    destruct (is_finite (- (s * l))) eqn:G2; [| now apply nan_not_fin in Fk].
    destruct (is_finite ((1 - s) * h)) eqn:G3; [| now apply nan_not_fin in Fk]. cbn [andb] in *.
    apply finite_is_finite in G1, G2, G3.
    destruct (most_V _ _ G2 G3) as (Fm & M1 & M2). rewrite opp_V in M1.
    pose proof (product_covers _ _ _ G3) as C2. rewrite V_1 in C2.
    apply (proj1 (opp_fin _)) in G2. destruct (mul_V _ _ G2) as (Fsf & _ & Em).
    assert (Ps : 0 <= V s).
    { destruct (div_fin _ _ Fsf G1) as (_ & Hne & Vs). fold s in Vs. rewrite Vs, <- rnd_0. apply rnd_le.
      assert (0 <= V (h - l)%float). { destruct (sub_fin _ _ G1) as (_ & _ & ->). rewrite <- rnd_0. apply rnd_le. lra. }
      apply Rmult_le_pos; [lra |]. left. apply Rinv_0_lt_compat. lra. }
    assert (Psl : V s * V l <= 0) by nra.
    rewrite (Rabs_left1 (V s * V l)) in Em by exact Psl. apply Rabs_le_inv in Em.
    set (m := V (most (- (s * l)) ((1 - s) * h))) in *.
    assert (F2 : fin (most (- (s * l)) ((1 - s) * h) * (1 + 0x1p-48))%float) by apply (add_fin _ _ Fk).
    assert (V48 : V (1 + 0x1p-48)%float = 1 + 32 * d) by (literal_V (1 + 0x1p-48)%float; unfold d; simpl; lra).
    pose proof tau_positive. pose proof tau_w. pose proof w_positive.
    assert (M0 : 0 <= m).
    { apply Rle_trans with (- V (s * l)%float); [| exact M1].
      destruct (mul_fin _ _ G2) as (_ & _ & ->). assert (rnd (V s * V l) <= 0) by (rewrite <- rnd_0; apply rnd_le; lra). lra. }
    destruct (mul_pos _ _ F2) as (_ & _ & (E2 & _)); [exact M0 | rewrite V48; numeric |]. rewrite V48 in E2. fold m in E2.
    assert (P2 : 0 <= V (most (- (s * l)) ((1 - s) * h) * (1 + 0x1p-48))%float) by (apply mul_sign; auto; rewrite V48; numeric).
    destruct (add_pos _ _ Fk) as (_ & _ & (E0 & _)); [exact P2 | rewrite V_tau; lra |]. rewrite V_tau in E0.
    set (k := V (_ + tau)%float) in *.
    assert (K0 : m * (1 + 29 * d) + tauR / 2 <= k) by numeric.
    split.
    - pose proof (lower_slope_within rule 0 l h fin_0 ltac:(rewrite V_0; lra) Fs) as W. rewrite V_0 in W.
      pose proof (hinge_lower 0 (V (lower_slope rule 0 l h)) ltac:(lra) ltac:(lra)). lra.
    - apply hinge_upper; auto; try lra.
      + numeric.
      + numeric.
      + assert (Rabs (V ((1 - s) * h)%float) <= m \/ V ((1 - s) * h)%float < 0) as [Hr | Hr].
        { destruct (Rle_lt_dec 0 (V ((1 - s) * h)%float)); [left; rewrite Rabs_pos_eq; lra | now right]. }
        * numeric.
        * rewrite Rabs_left in C2 by exact Hr. numeric.
  Qed.

  Lemma fin_eta64 : fin eta64. Proof. literal_fin. Qed.

  Lemma relu_bounds_sound : forall s v, relu_holds s z v ->
    let b := relu_bounds l h in fin (fst b) /\ fin (snd b) /\ V (fst b) <= v <= V (snd b).
  Proof.
    intros s v Hv. unfold relu_bounds. cbn [fst snd].
    assert (Hcases : v = Rmax 0 z \/ v = 0 /\ Rmax 0 z < eta) by (destruct s; simpl in Hv; auto).
    assert (Hm : 0 <= Rmax 0 z) by apply Rmax_l. assert (Hm' : z <= Rmax 0 z) by apply Rmax_r.
    split; [destruct (eta64 <=? l)%float; auto using fin_0 |]. split; [destruct (0 <? h)%float; auto using fin_0 |].
    split.
    - destruct (eta64 <=? l)%float eqn:He; [apply leb_V in He; auto using fin_eta64; rewrite V_eta64 in He |]; rewrite ?V_0; lra.
    - assert (Rmax 0 z = 0 \/ Rmax 0 z = z) by (unfold Rmax; destruct (Rle_dec 0 z); auto).
      destruct (0 <? h)%float eqn:He.
      + apply ltb_V in He; auto using fin_0. rewrite V_0 in He. lra.
      + apply ltb_false in He; auto using fin_0. rewrite V_0 in *. lra.
  Qed.

  Lemma relu_distance : forall s v, relu_holds s z v ->
    Rabs (v - Rmax 0 z) <= V (relu_error s) /\ fin (relu_error s) /\ 0 <= V (relu_error s).
  Proof.
    intros s v Hv. pose proof eta_positive. destruct s; simpl in *.
    - subst. rewrite V_0. replace (Rmax 0 z - Rmax 0 z) with 0 by ring. rewrite Rabs_R0. split; [lra |]. split; [apply fin_0 | lra].
    - rewrite V_eta64. split; [| split; [apply fin_eta64 | lra]].
      assert (Hm : 0 <= Rmax 0 z) by apply Rmax_l.
      destruct Hv as [-> | [-> Hv]]; apply Rabs_le; lra.
  Qed.

  Variables (x alpha : float).
  Hypothesis Fa : fin alpha.
  Hypothesis Ha : 0 <= V alpha <= 1.
  Hypothesis Ha' : V alpha = 0 \/ p2 (-500) <= V alpha.
  Hypothesis Hx : Rabs z <= V x.

  Lemma leaky_error_bound : forall s v, leaky_relu_holds s (V alpha) z v -> fin (leaky_relu_error s alpha x) ->
    0 <= V (leaky_relu_error s alpha x) /\
    Rabs (v - leaky_relu (V alpha) z) <= V (leaky_relu_error s alpha x) * (1 + 2 * d) + 20 * w.
  Proof.
    intros s v Hv F. pose proof w_positive. unfold leaky_relu_error in *. destruct s; simpl in Hv.
    - subst. rewrite V_0. replace (leaky_relu (V alpha) z - leaky_relu (V alpha) z) with 0 by ring. rewrite Rabs_R0. lra.
    - assert (F1 : fin (single_u * alpha * x * (1 + 0x1p-50))%float) by apply (add_fin _ _ F).
      destruct (mul_fin _ _ F1) as (F2 & _ & _). destruct (mul_fin _ _ F2) as (F3 & _ & _).
      assert (V3 : V (single_u * alpha)%float = u32 * V alpha).
      { destruct (mul_fin _ _ F3) as (_ & _ & ->). assert (Hu : V single_u = u32) by (unfold single_u; literal_V 0x1p-24%float; rewrite u32_value; simpl; lra).
        rewrite Hu, Rmult_comm. destruct Ha' as [-> | Hb].
        - rewrite Rmult_0_l. apply rnd_0.
        - unfold u32. apply rnd_scale; [apply format_V | rewrite Rabs_pos_eq; lra | lia]. }
      assert (Hu0 : 0 < u32 < 1) by (rewrite u32_value; lra).
      pose proof (Rabs_pos z).
      assert (Hua : 0 <= u32 * V alpha) by (apply Rmult_le_pos; lra).
      destruct (mul_pos _ _ F2) as (_ & _ & (E2 & _)); [rewrite V3; lra | lra |]. rewrite V3 in E2.
      assert (P2 : 0 <= V (single_u * alpha * x)%float) by (apply mul_sign; auto; [rewrite V3; lra | lra]).
      assert (V1 : V (1 + 0x1p-50)%float = 1 + 8 * d) by (literal_V (1 + 0x1p-50)%float; unfold d; simpl; lra).
      destruct (mul_pos _ _ F1) as (_ & _ & (E1 & _)); [exact P2 | rewrite V1; numeric |]. rewrite V1 in E1.
      assert (P1 : 0 <= V (single_u * alpha * x * (1 + 0x1p-50))%float) by (apply mul_sign; auto; rewrite V1; numeric).
      assert (Ve : V (2 * eta64)%float = 2 * eta).
      { rewrite eta_scale. literal_V (2 * eta64)%float. replace (-125)%Z with (52 + -177)%Z by lia. rewrite bpow_plus.
        change (p2 52) with 4503599627370496. reflexivity. }
      pose proof eta_positive.
      destruct (add_pos _ _ F) as (_ & _ & (E & _)); [exact P1 | rewrite Ve; lra |]. rewrite Ve in E.
      split; [apply add_sign; auto; rewrite Ve; lra |].
      assert (u32 * V alpha * Rabs z <= u32 * V alpha * V x) by (apply Rmult_le_compat_l; lra).
      assert (0 <= u32 * V alpha * V x) by (apply Rmult_le_pos; lra).
      eapply Rle_trans; [exact Hv |]. numeric.
  Qed.

  Lemma leaky_monotone : forall a b, a <= b -> leaky_relu (V alpha) a <= leaky_relu (V alpha) b.
  Proof. intros a b Hab. unfold leaky_relu. destruct (Rlt_dec a 0), (Rlt_dec b 0); nra. Qed.

  Lemma leaky_value_V : forall a, fin a -> fin (leaky_value alpha a) ->
    Rabs (V (leaky_value alpha a) - leaky_relu (V alpha) (V a)) <= 2 * d * Rabs (V (leaky_value alpha a)) + 2 * w.
  Proof.
    intros a F H. pose proof w_positive. unfold leaky_value in *. unfold leaky_relu. destruct (a <? 0)%float eqn:E.
    - apply ltb_V in E; auto using fin_0. rewrite V_0 in E. destruct (Rlt_dec (V a) 0); [| lra].
      destruct (mul_V _ _ H) as (_ & _ & M). pose proof (Rabs_pos (V alpha * V a)).
      assert (Rabs (V alpha * V a) <= Rabs (V (alpha * a)%float) + Rabs (V (alpha * a)%float - V alpha * V a)).
      { replace (V alpha * V a) with (V (alpha * a)%float - (V (alpha * a)%float - V alpha * V a)) at 1 by ring. apply Rabs_minus_le. }
      numeric.
    - apply ltb_false in E; auto using fin_0. rewrite V_0 in E. destruct (Rlt_dec (V a) 0); [lra |].
      replace (V a - V a) with 0 by ring. rewrite Rabs_R0. pose proof (Rabs_pos (V a)). numeric.
  Qed.

  Lemma leaky_relu_bounds_sound : forall s v, leaky_relu_holds s (V alpha) z v ->
    let b := leaky_relu_bounds alpha l h (leaky_relu_error s alpha x) in
    fin (fst b) -> fin (snd b) -> V (fst b) <= v <= V (snd b).
  Proof.
    intros s v Hv b F1 F2. unfold b, leaky_relu_bounds in *. cbn [fst snd] in *.
    set (e := leaky_relu_error s alpha x) in *.
    assert (Fe : fin e).
    { unfold lower in F1. destruct (sub_fin _ _ F1) as (_ & Ft & _). destruct (add_fin _ _ Ft) as (Ft' & _).
      now destruct (add_fin _ _ Ft'). }
    destruct (leaky_error_bound s v Hv Fe) as (E0 & E). fold e in E0, E.
    destruct (lower_V _ _ F1 E0) as (G1 & _ & L1). destruct (upper_V _ _ F2 E0) as (G2 & _ & L2).
    pose proof (leaky_value_V _ Fl G1) as A1. pose proof (leaky_value_V _ Fh G2) as A2.
    pose proof (leaky_monotone (V l) z ltac:(lra)). pose proof (leaky_monotone z (V h) ltac:(lra)).
    pose proof (Rabs_pos (V (leaky_value alpha l))). pose proof (Rabs_pos (V (leaky_value alpha h))).
    pose proof w_positive. pose proof tau_w. unabs. numeric.
  Qed.
End Hinge.

(* ---- Maxpool *)

Section Maxpool.
  Variables (y : execution) (lo hi : int -> float) (window : int * list int).
  Let all := fst window :: snd window.
  Hypothesis bounds : forall e, In e all -> fin (lo e) /\ fin (hi e) /\ V (lo e) <= at_element y e <= V (hi e).
  Let p := leader lo window.

  Lemma leader_elements : forall e, In e (fst p :: snd p) <-> In e all.
  Proof.
    unfold p, leader, all. destruct window as [a l]. cbn [fst snd].
    assert (G : forall l a os e, let q := fold_left (fun p e => if (lo (fst p) <? lo e)%float then (e, fst p :: snd p) else (fst p, e :: snd p)) l (a, os) in
      In e (fst q :: snd q) <-> In e (a :: os ++ l)).
    { clear. induction l as [| b l IH]; intros a os e; cbn [fold_left].
      - cbn. rewrite app_nil_r. reflexivity.
      - cbn [fst snd]. destruct (lo a <? lo b)%float; rewrite IH; cbn [In]; rewrite !in_app_iff; cbn [In]; rewrite ?in_app_iff; tauto. }
    intros e. rewrite G. cbn [app]. reflexivity.
  Qed.

  Lemma greatest_above : forall e, In e all -> at_element y e <= greatest y window.
  Proof.
    unfold all, greatest. destruct window as [a l]. cbn [fst snd]. clear. induction l as [| b l IH]; intros e [-> | H]; cbn.
    - lra. - easy.
    - eapply Rle_trans; [apply IH; now left | apply Rmax_r].
    - destruct H as [-> | H]; [apply Rmax_l |]. eapply Rle_trans; [apply IH; now right | apply Rmax_r].
  Qed.

  Lemma greatest_is_one : exists e, In e all /\ greatest y window = at_element y e.
  Proof.
    unfold all, greatest. destruct window as [a l]. cbn [fst snd]. clear. induction l as [| b l (e & He & IH)]; cbn.
    - exists a. auto.
    - unfold Rmax at 1. destruct (Rle_dec _ _).
      + exists e. split; [cbn in He; tauto | unfold Rmax in IH; exact IH].
      + exists b. auto.
  Qed.

  Lemma greatest_hi_V : fin (greatest_hi hi p) /\ forall e, In e all -> V (hi e) <= V (greatest_hi hi p).
  Proof.
    assert (G : forall l m, fin m -> (forall e, In e l -> fin (hi e)) ->
      let g := fold_left (fun m e => most m (hi e)) l m in fin g /\ V m <= V g /\ forall e, In e l -> V (hi e) <= V g).
    { clear. induction l as [| b l IH]; intros m Fm Hl; cbn.
      - repeat split; [exact Fm | lra | easy].
      - destruct (most_V m (hi b) Fm (Hl b (or_introl eq_refl))) as (F & A & B).
        destruct (IH (most m (hi b)) F) as (F' & A' & B'); [intros; apply Hl; now right |].
        repeat split; [exact F' | lra |]. intros e [-> | He]; [lra | now apply B']. }
    destruct (G (snd p) (hi (fst p))) as (F & A & B).
    - apply bounds, leader_elements. now left.
    - intros e He. apply bounds, leader_elements. now right.
    - split; [exact F |]. intros e He. apply leader_elements in He. destruct He as [<- | He]; [exact A | now apply B].
  Qed.

  Lemma maxpool_line_sound : let L := maxpool_line lo hi p in
    V (s_lo L) * at_element y (fst p) + V (k_lo L) <= greatest y window <= V (s_hi L) * at_element y (fst p) + V (k_hi L).
  Proof.
    assert (Hp : In (fst p) all) by (apply leader_elements; now left).
    pose proof (greatest_above _ Hp). destruct greatest_is_one as (e & He & Hg). rewrite Hg in *. unfold maxpool_line.
    destruct forallb eqn:Hf; cbn [s_lo s_hi k_lo k_hi]; rewrite V_0, V_1; (split; [lra |]).
    - apply leader_elements in He. destruct He as [<- | He]; [lra |].
      rewrite forallb_forall in Hf. specialize (Hf e He). destruct (bounds (fst p) Hp) as (F1 & _ & B1).
      destruct (bounds e) as (_ & F2 & B2); [apply leader_elements; now right |].
      apply leb_V in Hf; auto. lra.
    - destruct greatest_hi_V as (_ & G). specialize (G e He). destruct (bounds e He) as (_ & _ & B). lra.
  Qed.

  Lemma maxpool_bounds_sound : forall s v, maxpool_holds y s window v ->
    let b := maxpool_bounds lo hi p (relu_error s) in fin (fst b) -> fin (snd b) -> V (fst b) <= v <= V (snd b).
  Proof.
    intros s v Hv b F1 F2. unfold b, maxpool_bounds in *. cbn [fst snd] in *.
    assert (E0 : 0 <= V (relu_error s) /\ Rabs (v - greatest y window) <= V (relu_error s)).
    { pose proof eta_positive. destruct s; simpl in *; [subst; rewrite V_0 | rewrite V_eta64; split; auto; lra].
      replace (greatest y window - greatest y window) with 0 by ring. rewrite Rabs_R0. lra. }
    destruct E0 as (E0 & E).
    destruct (lower_V _ _ F1 E0) as (_ & _ & L1). destruct (upper_V _ _ F2 E0) as (_ & _ & L2).
    pose proof (Rabs_pos (V (lo (fst p)))). pose proof (Rabs_pos (V (greatest_hi hi p))). pose proof tau_positive.
    assert (Hp : In (fst p) all) by (apply leader_elements; now left).
    pose proof (greatest_above _ Hp). destruct (bounds _ Hp) as (_ & _ & B).
    destruct greatest_is_one as (e & He & G). destruct greatest_hi_V as (_ & G'). specialize (G' e He).
    destruct (bounds e He) as (_ & _ & B'). rewrite G in *. unabs. numeric.
  Qed.
End Maxpool.
