(* A property and its rounded numbers, compared by computation: if represents_test
   answers true then the rounded numbers represent the exact ones (CheckSound).

   Decimals are compared with the dyadic numbers that floats are, over Q and Z; the
   binary32 number nearest to a decimal is computed here from its definition. *)
From Flocq Require Import Core BinarySingleNaN.
From Coq Require Import ZArith QArith Qreals Reals List Lra Lia Floats.
From AxiomProofs Require Import SumTrees Binary64 Semantics Rounding Forms CheckSound.
Import ListNotations.
Local Open Scope bool_scope.
Unset Lia Cache.
Unset Nra Cache.

(* ---- Floats as rational numbers *)

Definition power (e : Z) : Q := if (0 <=? e)%Z then inject_Z (2 ^ e) else 1 # Z.to_pos (2 ^ (- e)).

Definition float_Q (x : float) : option Q :=
  match Prim2SF x with
  | S754_zero _ => Some 0%Q
  | S754_finite s m e => Some (inject_Z (cond_Zopp s (Zpos m)) * power e)%Q
  | _ => None
  end.

Lemma power_R : forall e, Q2R (power e) = p2 e.
Proof.
  intros e. unfold power. destruct (Z.leb_spec 0 e) as [H | H].
  - unfold Q2R, inject_Z. cbn [Qnum Qden]. rewrite <- IZR_Zpower by assumption. change (Zpower radix2 e) with (2 ^ e)%Z. field.
  - unfold Q2R. cbn [Qnum Qden]. assert (0 < 2 ^ (- e))%Z by (apply Z.pow_pos_nonneg; lia). rewrite Z2Pos.id by assumption.
    replace (p2 e) with (/ p2 (- e))%R by (rewrite <- bpow_opp; f_equal; lia).
    rewrite <- IZR_Zpower by lia. change (Zpower radix2 (- e)) with (2 ^ (- e))%Z. rewrite Rmult_1_l. reflexivity.
Qed.

Lemma float_Q_sound : forall x q, float_Q x = Some q -> fin x /\ V x = Q2R q.
Proof.
  intros x q H. rewrite fin_SF, V_SF2R. unfold float_Q in H.
  destruct (Prim2SF x) as [s | s | | s m e]; try discriminate; injection H as <-; (split; [reflexivity |]).
  - unfold SF2R, Q2R. cbn [Qnum Qden]. lra.
  - rewrite Q2R_mult, power_R. unfold SF2R, F2R, Q2R, inject_Z. cbn [Qnum Qden Fnum Fexp]. field.
Qed.

(* ---- The nearest binary32 number *)

Definition mantissa_and_exponent (q : Q) : Z * Z :=
  let n := Qnum q in
  let k0 := (Z.log2 (Z.abs n) - Z.log2 (Zpos (Qden q)))%Z in
  (* 2 ^ (k - 1) <= |q| < 2 ^ k *)
  let k := if Qle_bool (power k0) (Qabs.Qabs q) then (k0 + 1)%Z else k0 in
  let e := Z.max (k - 24) (-149) in
  let top := (n * 2 ^ (Z.max 0 (- e)))%Z in
  let bottom := (Zpos (Qden q) * 2 ^ (Z.max 0 e))%Z in
  let f := (top / bottom)%Z in
  let m := match (2 * (top mod bottom) ?= bottom)%Z with Lt => f | Gt => (f + 1)%Z | Eq => if Z.even f then f else (f + 1)%Z end in
  (m, e).

Lemma Q2R_fraction : forall q, Q2R q = (IZR (Qnum q) / IZR (Zpos (Qden q)))%R.
Proof. reflexivity. Qed.

Definition exponent_ok (q : Q) : bool :=
  let n := Qnum q in
  let k0 := (Z.log2 (Z.abs n) - Z.log2 (Zpos (Qden q)))%Z in
  let k := if Qle_bool (power k0) (Qabs.Qabs q) then (k0 + 1)%Z else k0 in
  Qle_bool (power (k - 1)) (Qabs.Qabs q) && negb (Qle_bool (power k) (Qabs.Qabs q)).

Lemma Q2R_abs : forall q, Q2R (Qabs.Qabs q) = Rabs (Q2R q).
Proof.
  intros q. destruct (Qlt_le_dec q 0) as [H | H].
  - rewrite (Qeq_eqR _ _ (Qabs.Qabs_neg q (Qlt_le_weak _ _ H))), Q2R_opp.
    apply Qlt_Rlt in H. rewrite RMicromega.Q2R_0 in H. rewrite Rabs_left; [reflexivity | exact H].
  - rewrite (Qeq_eqR _ _ (Qabs.Qabs_pos q H)). apply Qle_Rle in H. rewrite RMicromega.Q2R_0 in H. rewrite Rabs_pos_eq; [reflexivity | exact H].
Qed.

Lemma Qle_bool_R : forall a b, Qle_bool a b = true <-> (Q2R a <= Q2R b)%R.
Proof. intros a b. rewrite Qle_bool_iff. split; [apply Qle_Rle | apply Rle_Qle]. Qed.

Lemma nearest32_computed : forall q m e, exponent_ok q = true -> mantissa_and_exponent q = (m, e) ->
  nearest32 (Q2R q) = (IZR m * p2 e)%R.
Proof.
  intros q m e Hok H. unfold exponent_ok in Hok. unfold mantissa_and_exponent in H. cbv zeta in Hok, H.
  set (k := if Qle_bool _ _ then _ else _) in Hok, H. clearbody k.
  apply andb_prop in Hok. destruct Hok as (H1 & H2). apply Qle_bool_R in H1. apply Bool.negb_true_iff in H2.
  assert (H3 : (Rabs (Q2R q) < p2 k)%R).
  { rewrite <- Q2R_abs, <- power_R. apply Rnot_le_lt. intros Hc. apply Qle_bool_R in Hc. congruence. }
  rewrite power_R, Q2R_abs in H1. clear H2.
  assert (Hmag : mag radix2 (Q2R q) = k :> Z) by (apply mag_unique; split; assumption).
  apply pair_equal_spec in H. destruct H as (Hm & He). unfold nearest32, round, scaled_mantissa, cexp. rewrite Hmag.
  replace (FLT_exp (-149) 24 k) with e by (rewrite <- He; reflexivity).
  unfold F2R. cbn [Fnum Fexp]. f_equal. f_equal. rewrite He in Hm.
  set (top := (Qnum q * _)%Z) in Hm. set (bottom := (Z.pos (Qden q) * _)%Z) in Hm.
  assert (Hb : (0 < bottom)%Z) by (apply Z.mul_pos_pos; [reflexivity | apply Z.pow_pos_nonneg; lia]).
  assert (Hx : (Q2R q * p2 (- e) = IZR top / IZR bottom)%R).
  { rewrite Q2R_fraction. unfold top, bottom. rewrite !mult_IZR.
    change (2 ^ Z.max 0 (- e))%Z with (Zpower radix2 (Z.max 0 (- e))). change (2 ^ Z.max 0 e)%Z with (Zpower radix2 (Z.max 0 e)).
    rewrite !IZR_Zpower by lia.
    assert (IZR (Z.pos (Qden q)) <> 0)%R by (apply IZR_neq; discriminate).
    replace (p2 (- e)) with (p2 (Z.max 0 (- e)) * / p2 (Z.max 0 e))%R.
    - field. split; [apply Rgt_not_eq, bpow_gt_0 | assumption].
    - rewrite <- bpow_opp, <- bpow_plus. f_equal. lia. }
  rewrite Hx. clear Hx Hmag H1 H3. clearbody top bottom.
  assert (Hfloor : Zfloor (IZR top / IZR bottom) = (top / bottom)%Z) by (apply Zfloor_div; lia).
  set (f := (top / bottom)%Z) in *. set (r := (top mod bottom)%Z) in *.
  assert (Hr : (0 <= r < bottom)%Z) by (apply Z.mod_pos_bound; exact Hb).
  assert (Ht : top = (bottom * f + r)%Z) by (apply Z.div_mod; lia).
  assert (HB : (0 < IZR bottom)%R) by (apply IZR_lt; exact Hb).
  assert (Hfrac : (IZR top / IZR bottom - IZR f = IZR r / IZR bottom)%R) by (rewrite Ht, plus_IZR, mult_IZR; field; lra).
  unfold Znearest. rewrite Hfloor, Hfrac.
  assert (Hceil : r <> 0%Z -> Zceil (IZR top / IZR bottom) = (f + 1)%Z).
  { intros Hn. rewrite Zceil_floor_neq; [now rewrite Hfloor |]. rewrite Hfloor. intros Heq.
    assert (IZR r / IZR bottom = 0)%R by lra. assert (IZR r = 0)%R by (replace (IZR r) with (IZR r / IZR bottom * IZR bottom)%R by (field; lra); nra).
    apply Hn. now apply eq_IZR_R0. }
  assert (Hhalf : Rcompare (IZR r / IZR bottom) (/ 2) = (2 * r ?= bottom)%Z).
  { rewrite <- (Rcompare_mult_r (2 * IZR bottom)) by lra.
    replace (IZR r / IZR bottom * (2 * IZR bottom))%R with (IZR (2 * r)) by (rewrite mult_IZR; field; lra).
    replace (/ 2 * (2 * IZR bottom))%R with (IZR bottom) by field. apply Rcompare_IZR. }
  rewrite Hhalf. rewrite <- Hm. destruct (2 * r ?= bottom)%Z eqn:Hc; [| reflexivity |].
  - apply Z.compare_eq in Hc. destruct (Z.even f); cbn [negb]; [reflexivity | apply Hceil; lia].
  - apply Z.compare_gt_iff in Hc. apply Hceil. lia.
Qed.

Definition nearest32_Q (q : Q) : option Q :=
  if (Qnum q =? 0)%Z then Some 0%Q
  else if exponent_ok q then let (m, e) := mantissa_and_exponent q in Some (inject_Z m * power e)%Q
  else None.

Lemma nearest32_Q_sound : forall q n, nearest32_Q q = Some n -> nearest32 (Q2R q) = Q2R n.
Proof.
  intros q n H. unfold nearest32_Q in H. destruct (Z.eqb_spec (Qnum q) 0) as [Hz | Hz].
  - injection H as <-. rewrite Q2R_fraction, Hz. replace (0 / _)%R with 0%R by (unfold Rdiv; ring).
    rewrite RMicromega.Q2R_0. unfold nearest32. apply round_0. typeclasses eauto.
  - destruct (exponent_ok q) eqn:Hok; [| discriminate]. destruct (mantissa_and_exponent q) as [m e] eqn:Hme. injection H as <-.
    rewrite (nearest32_computed _ _ _ Hok Hme), Q2R_mult, power_R. unfold Q2R, inject_Z. cbn [Qnum Qden]. field.
Qed.

(* ---- Boxes *)

Definition fed_Q (s : semantics) (q : Q) : option Q := match s with real => Some q | float32 => nearest32_Q q end.

Definition at_most (a b : option Q) : bool := match a, b with Some x, Some y => Qle_bool x y | _, _ => false end.

Definition side_test (s : semantics) (e : Q * Q) (r : float * float) : bool :=
  at_most (float_Q (fst r)) (fed_Q s (fst e)) && at_most (fed_Q s (snd e)) (float_Q (snd r)).

Lemma fed_Q_sound : forall s q n, fed_Q s q = Some n -> fed s (Q2R q) = Q2R n.
Proof. intros [|] q n H; cbn [fed_Q fed] in *; [now injection H as -> | now apply nearest32_Q_sound]. Qed.

Lemma fed_le : forall s x y, (x <= y)%R -> (fed s x <= fed s y)%R.
Proof. intros [|] x y H; cbn [fed]; [exact H |]. unfold nearest32. apply round_le; auto with typeclass_instances. Qed.

Lemma side_sound : forall s e r x, side_test s e r = true -> (Q2R (fst e) <= x <= Q2R (snd e))%R ->
  (V (fst r) <= fed s x <= V (snd r))%R.
Proof.
  intros s e r x H (Hl & Hu). unfold side_test, at_most in H. apply andb_prop in H. destruct H as (H1 & H2).
  destruct (float_Q (fst r)) as [fl |] eqn:E1; [| discriminate]. destruct (fed_Q s (fst e)) as [nl |] eqn:E2; [| discriminate].
  destruct (fed_Q s (snd e)) as [nu |] eqn:E3; [| discriminate]. destruct (float_Q (snd r)) as [fu |] eqn:E4; [| discriminate].
  apply Qle_bool_R in H1, H2. apply float_Q_sound in E1, E4. apply fed_Q_sound in E2, E3.
  destruct E1 as (_ & ->). destruct E4 as (_ & ->). apply (fed_le s) in Hl, Hu. lra.
Qed.

(* ---- Lists *)

Fixpoint all2 {A B} (test : A -> B -> bool) (l : list A) (m : list B) : bool :=
  match l, m with
  | [], [] => true
  | a :: l', b :: m' => test a b && all2 test l' m'
  | _, _ => false
  end.

Lemma all2_sound : forall A B (test : A -> B -> bool) (P : A -> B -> Prop), (forall a b, test a b = true -> P a b) ->
  forall l m, all2 test l m = true -> Forall2 P l m.
Proof.
  intros A B test P HP. induction l as [| a l IH]; intros [| b m] H; cbn [all2] in H; try discriminate; [constructor |].
  apply andb_prop in H. destruct H as (H1 & H2). constructor; auto.
Qed.

Lemma forall2_nth : forall A B (P : A -> B -> Prop) l m a b j, Forall2 P l m -> (j < length l)%nat -> P (nth j l a) (nth j m b).
Proof.
  intros A B P l m a b j H. revert j. induction H as [| x y l m Hxy H IH]; intros j Hj; cbn in *; [lia |].
  destruct j; [assumption | apply IH; lia].
Qed.

Lemma forall2_combine : forall A B (P : A -> B -> Prop) l m, Forall2 P l m -> forall a b, In (a, b) (combine l m) -> P a b.
Proof. induction 1 as [| x y l m Hxy H IH]; intros a b; cbn; [easy |]. intros [[= <- <-] | Hin]; [assumption | auto]. Qed.

Lemma forall2_map : forall A B C (f : A -> C) (g : B -> C) l m, Forall2 (fun a b => f a = g b) l m -> map f l = map g m.
Proof. induction 1; cbn; congruence. Qed.

(* ---- Constraints *)

Definition variable_eqb (v u : variable) : bool :=
  match v, u with X j, X k | Y j, Y k => Nat.eqb j k | _, _ => false end.

Lemma variable_eqb_sound : forall v u, variable_eqb v u = true -> v = u.
Proof. intros [j | j] [k | k] H; cbn in H; try discriminate; f_equal; now apply Nat.eqb_eq. Qed.

Definition term_test (t : variable * Q) (u : variable * float) : bool :=
  variable_eqb (fst t) (fst u) &&
  match float_Q (snd u) with
  | Some a => Qle_bool (Qabs.Qabs (snd t - a)) (power (-53) * Qabs.Qabs a) && Qle_bool (power (-500)) (Qabs.Qabs a)
  | None => false
  end.

Definition constraint_test (c : constraint) (f : fconstraint) : bool :=
  all2 term_test (left c) (fleft f) && at_most (Some (right c)) (float_Q (fright f)).

Lemma term_sound : forall t u, term_test t u = true ->
  fst t = fst u /\ fin (snd u) /\ (Rabs (Q2R (snd t) - V (snd u)) <= d * Rabs (V (snd u)))%R /\ (p2 (-500) <= Rabs (V (snd u)))%R.
Proof.
  intros t u H. unfold term_test in H. apply andb_prop in H. destruct H as (Hv & H). split; [now apply variable_eqb_sound |].
  destruct (float_Q (snd u)) as [a |] eqn:E; [| discriminate]. apply float_Q_sound in E. destruct E as (F & ->).
  apply andb_prop in H. destruct H as (H1 & H2). apply Qle_bool_R in H1, H2.
  rewrite Q2R_mult, !Q2R_abs, power_R, Q2R_minus in H1. rewrite Q2R_abs, power_R in H2. rewrite d_value. now repeat split.
Qed.

Lemma constraint_sound : forall c f, constraint_test c f = true -> represents c f.
Proof.
  intros c f H. unfold constraint_test in H. apply andb_prop in H. destruct H as (H1 & H2).
  assert (H0 := all2_sound _ _ _ (fun t u => fst t = fst u) (fun t u H => proj1 (term_sound t u H)) _ _ H1).
  apply (all2_sound _ _ _ _ term_sound) in H1. split.
  - now apply forall2_map.
  - intros t u Hin. apply (forall2_combine _ _ _ _ _ H1 _ _ Hin).
  - unfold at_most in H2. destruct (float_Q (fright f)) as [r |] eqn:E; [| discriminate]. apply float_Q_sound in E. destruct E as (F & ->).
    split; [exact F |]. now apply Qle_bool_R.
Qed.

(* ---- Properties *)

Definition disjunct_test (s : semantics) (c : disjunct) (f : fdisjunct) : bool :=
  all2 (side_test s) (box c) (fbox f) && all2 constraint_test (constraints c) (fconstraints f).

Definition represents_test (s : semantics) (p : property) (f : list fdisjunct) : bool := all2 (disjunct_test s) p f.

Lemma disjunct_sound : forall s c f, disjunct_test s c f = true -> represents_disjunct s c f.
Proof.
  intros s c f H. unfold disjunct_test in H. apply andb_prop in H. destruct H as (H1 & H2).
  apply (all2_sound _ _ _ (fun e r => side_test s e r = true) (fun _ _ H => H)) in H1.
  apply (all2_sound _ _ _ _ constraint_sound) in H2. split; [| | exact H2].
  - clear - H1. induction H1; cbn; congruence.
  - intros j r Hj. apply side_sound. exact (forall2_nth _ _ _ _ _ _ _ j H1 Hj).
Qed.

Theorem represents_test_sound : forall s p f, represents_test s p f = true -> represents_property s p f.
Proof. intros s p f. apply all2_sound. apply disjunct_sound. Qed.
