(* Deciding by exact rational arithmetic that the checker's numbers are those of a
   property: represents_property from a boolean. With it a theorem about a network is
   one evaluation (check_sound_decided). Relies on CheckSound for the definitions. *)
From Flocq Require Import Core BinarySingleNaN.
From Coq Require Import ZArith QArith Qreals Qabs Reals List Lra Lia Psatz Floats Uint63.
From AxiomProofs Require Import Lists SumTrees Binary64 Semantics Rounding Forms Checker CheckSound.
Import ListNotations.
Local Open Scope R_scope.
Local Open Scope bool_scope.

Definition two_to (e : Z) : Q := if (0 <=? e)%Z then inject_Z (2 ^ e) else (1 # Z.to_pos (2 ^ (- e)))%Q.

Lemma two_to_R : forall e, Q2R (two_to e) = bpow radix2 e.
Proof.
  intros e. unfold two_to. destruct (Z.leb_spec 0 e) as [H | H].
  - unfold Q2R, inject_Z. cbn [Qnum Qden]. rewrite Rinv_1, Rmult_1_r. now rewrite <- IZR_Zpower.
  - unfold Q2R. cbn [Qnum Qden]. rewrite Z2Pos.id by (apply Z.pow_pos_nonneg; lia). rewrite Rmult_1_l.
    replace e with (- (- e))%Z at 2 by lia. rewrite bpow_opp. now rewrite <- IZR_Zpower by lia.
Qed.

(* The exact value of a finite float *)
Definition value_of_float (f : float) : option Q :=
  match Prim2SF f with
  | S754_zero _ => Some 0%Q
  | S754_finite sg m e => Some (inject_Z (if sg then Zneg m else Zpos m) * two_to e)%Q
  | _ => None
  end.

Lemma value_of_float_sound : forall f q, value_of_float f = Some q -> fin f /\ V f = Q2R q.
Proof.
  intros f q H. unfold value_of_float in H. rewrite fin_SF, V_SF2R. destruct (Prim2SF f) as [sg | | | sg m e]; try discriminate; injection H as <-.
  - split; [reflexivity |]. unfold Q2R. simpl. lra.
  - split; [reflexivity |]. rewrite Q2R_mult, two_to_R. cbn [SF2R]. unfold F2R. cbn [Fnum Fexp]. f_equal.
    unfold Q2R, inject_Z. cbn [Qnum Qden]. rewrite Rinv_1, Rmult_1_r. destruct sg; reflexivity.
Qed.

(* ---- The binary32 number nearest to a rational, ties excluded *)

(* e: exponent of the last bit *)
Definition exponent32 (q : Q) : Z :=
  let a := Qabs q in
  let g := (Z.log2 (Qnum a) - Z.log2 (Zpos (Qden a)))%Z in  (* 2^(g-1) < a < 2^(g+1) *)
  let k := if Qle_bool (two_to g) a then g else (g - 1)%Z in
  if (Qnum a =? 0)%Z then (-149)%Z else Z.max (k - 23) (-149).

Definition nearest32_ok (q v : Q) : bool :=
  let e := exponent32 q in
  let a := Qabs q in
  let scaled := (q * two_to (- e))%Q in
  let m := ((Qnum scaled * 2 + Zpos (Qden scaled)) / (2 * Zpos (Qden scaled)))%Z in  (* floor (scaled + 1/2) *)
  (negb (Qle_bool (two_to (e + 24)%Z) a)) &&
  (Qle_bool (two_to (e + 23)%Z) a || (e =? -149)%Z) && (-149 <=? e)%Z &&
  negb (Qle_bool (1 # 2)%Q (Qabs (scaled - inject_Z m)%Q)) && Qeq_bool v (inject_Z m * two_to e)%Q.

Lemma Qle_bool_R : forall p q, Qle_bool p q = true <-> Q2R p <= Q2R q.
Proof.
  intros p q. rewrite Qle_bool_iff. split; [apply Qle_Rle | apply Rle_Qle].
Qed.

Lemma Qlt_bool_R : forall p q, negb (Qle_bool q p) = true -> Q2R p < Q2R q.
Proof.
  intros p q H. apply Bool.negb_true_iff in H. apply Rnot_le_lt. intros Hle. apply Qle_bool_R in Hle. congruence.
Qed.

Lemma Qabs_R : forall q, Q2R (Qabs q) = Rabs (Q2R q).
Proof.
  intros q. destruct (Qlt_le_dec q 0%Q) as [H | H].
  - rewrite (Qeq_eqR _ _ (Qabs_neg q (Qlt_le_weak _ _ H))). rewrite Q2R_opp. apply Qlt_Rlt in H. replace (Q2R 0%Q) with 0 in H by (unfold Q2R; simpl; lra).
    rewrite Rabs_left by exact H. reflexivity.
  - rewrite (Qeq_eqR _ _ (Qabs_pos q H)). apply Qle_Rle in H. replace (Q2R 0%Q) with 0 in H by (unfold Q2R; simpl; lra). now rewrite Rabs_pos_eq.
Qed.

Lemma inject_R : forall m, Q2R (inject_Z m) = IZR m.
Proof. intros. unfold Q2R, inject_Z. cbn [Qnum Qden]. now rewrite Rinv_1, Rmult_1_r. Qed.

Lemma nearest32_ok_sound : forall q v, nearest32_ok q v = true -> Q2R v = nearest32 (Q2R q).
Proof.
  intros q v H. unfold nearest32_ok in H. set (e := exponent32 q) in *. set (sc := (q * two_to (- e))%Q) in *.
  set (m := ((Qnum sc * 2 + Zpos (Qden sc)) / (2 * Zpos (Qden sc)))%Z) in *.
  repeat match goal with H : (_ && _)%bool = true |- _ => apply andb_prop in H; destruct H end.
  apply Qlt_bool_R in H. rewrite two_to_R, Qabs_R in H. apply Z.leb_le in H2.
  apply Qlt_bool_R in H1. rewrite Qabs_R, Q2R_minus, inject_R in H1. unfold sc in H1. rewrite Q2R_mult, two_to_R in H1.
  replace (Q2R (1 # 2)%Q) with (/ 2) in H1 by (unfold Q2R; simpl; lra).
  apply Qeq_bool_eq, Qeq_eqR in H0. rewrite Q2R_mult, inject_R, two_to_R in H0. rewrite H0.
  destruct (Req_dec (Q2R q) 0) as [Hz | Hnz].
  { rewrite Hz in *. assert (Hm : m = 0%Z).
    { rewrite Rmult_0_l, Rminus_0_l, Rabs_Ropp, <- abs_IZR in H1. assert (IZR (Z.abs m) < 1) by lra. apply lt_IZR in H4. lia. }
    rewrite Hm, Rmult_0_l. unfold nearest32. symmetry. apply round_0. typeclasses eauto. }
  unfold nearest32, round. assert (Hc : cexp radix2 (FLT_exp (-149) 24) (Q2R q) = e).
  { unfold cexp, FLT_exp. apply Bool.orb_true_iff in H3. destruct H3 as [H3 | H3].
    - apply Qle_bool_R in H3. rewrite two_to_R, Qabs_R in H3. rewrite (mag_unique radix2 (Q2R q) (e + 24)); [lia |].
      split; [replace (e + 24 - 1)%Z with (e + 23)%Z by lia; exact H3 | exact H].
    - apply Z.eqb_eq in H3. assert (mag radix2 (Q2R q) <= e + 24)%Z by (apply mag_le_bpow; [exact Hnz | exact H]). lia. }
  rewrite Hc. unfold scaled_mantissa. rewrite Hc, (Znearest_imp _ _ m); [reflexivity | exact H1].
Qed.

(* ---- Constraints, boxes, properties *)

Definition variable_eqb (v w : variable) : bool :=
  match v, w with X i, X j | Y i, Y j => (i =? j)%nat | _, _ => false end.

Fixpoint terms_ok (l : list (variable * Q)) (m : list (variable * float)) : bool :=
  match l, m with
  | [], [] => true
  | (v, t) :: l', (w, f) :: m' =>
      variable_eqb v w &&
      match value_of_float f with
      | Some q => Qle_bool (Qabs (t - q)%Q) (two_to (-53) * Qabs q)%Q && Qle_bool (two_to (-500)) (Qabs q)
      | None => false
      end && terms_ok l' m'
  | _, _ => false
  end.

Definition constraint_represented (c : constraint) (f : fconstraint) : bool :=
  terms_ok (left c) (fleft f) && match value_of_float (fright f) with Some q => Qle_bool (right c) q | None => false end.

Definition end_represented (s : semantics) (lower : bool) (q : Q) (f : float) : bool :=
  match value_of_float f with
  | None => false
  | Some v => match s with
              | real => if lower then Qle_bool v q else Qle_bool q v
              | float32 => nearest32_ok q v
              end
  end.

Fixpoint box_represented (s : semantics) (l : list (Q * Q)) (m : list (float * float)) : bool :=
  match l, m with
  | [], [] => true
  | (a, b) :: l', (lo, hi) :: m' => end_represented s true a lo && end_represented s false b hi && box_represented s l' m'
  | _, _ => false
  end.

Fixpoint all2 {A B} (p : A -> B -> bool) (l : list A) (m : list B) : bool :=
  match l, m with [], [] => true | a :: l', b :: m' => p a b && all2 p l' m' | _, _ => false end.

Definition property_represented (s : semantics) (p : property) (f : list fdisjunct) : bool :=
  all2 (fun c d => box_represented s (box c) (fbox d) && all2 constraint_represented (constraints c) (fconstraints d)) p f.

Lemma all2_forall2 : forall A B (p : A -> B -> bool) (P : A -> B -> Prop), (forall a b, p a b = true -> P a b) ->
  forall l m, all2 p l m = true -> Forall2 P l m.
Proof.
  intros A B p P H. induction l as [| a l IH]; intros [| b m] Hl; try discriminate; constructor; cbn in Hl; apply andb_prop in Hl; destruct Hl; auto.
Qed.

Lemma constraint_represented_sound : forall c f, constraint_represented c f = true -> represents c f.
Proof.
  intros c f H. unfold constraint_represented in H. apply andb_prop in H. destruct H as (Ht & Hr).
  destruct (value_of_float (fright f)) as [q |] eqn:Hq; [| discriminate]. destruct (value_of_float_sound _ _ Hq) as (Fq & Vq). apply Qle_bool_R in Hr.
  assert (G : forall l m, terms_ok l m = true -> map fst l = map fst m /\ forall t u, In (t, u) (combine l m) ->
    fin (snd u) /\ Rabs (Q2R (snd t) - V (snd u)) <= d * Rabs (V (snd u)) /\ bpow radix2 (-500) <= Rabs (V (snd u))).
  { induction l as [| [v t] l IH]; intros [| [v' g] m] Hl; try discriminate; [split; [reflexivity | easy] |].
    cbn [terms_ok] in Hl. apply andb_prop in Hl. destruct Hl as (Hl & Hrest). apply andb_prop in Hl. destruct Hl as (Hv & Hf).
    destruct (value_of_float g) as [q0 |] eqn:Hg; [| discriminate]. destruct (value_of_float_sound _ _ Hg) as (Fg & Vg).
    apply andb_prop in Hf. destruct Hf as (H1 & H2). apply Qle_bool_R in H1, H2.
    rewrite Qabs_R, Q2R_minus, Q2R_mult, two_to_R, Qabs_R in H1. rewrite two_to_R, Qabs_R in H2.
    destruct (IH m Hrest) as (I1 & I2). split.
    - cbn. f_equal; [| exact I1]. destruct v, v'; cbn in Hv; try discriminate; apply Nat.eqb_eq in Hv; now subst.
    - intros a u [Heq | Hin]; [| now apply I2]. injection Heq as <- <-. cbn [snd]. rewrite Vg, d_value. auto. }
  destruct (G _ _ Ht) as (G1 & G2). constructor; [exact G1 | exact G2 |]. split; [exact Fq | now rewrite Vq].
Qed.

Lemma fed_le : forall s a b, a <= b -> fed s a <= fed s b.
Proof. intros [|] a b H; cbn [fed]; [exact H |]. unfold nearest32. apply round_le; auto with typeclass_instances. Qed.

Lemma end_represented_sound : forall s q f, (end_represented s true q f = true -> V f <= fed s (Q2R q)) /\
  (end_represented s false q f = true -> fed s (Q2R q) <= V f).
Proof.
  intros s q f. unfold end_represented. destruct (value_of_float f) as [v |] eqn:Hv; [| split; discriminate].
  destruct (value_of_float_sound _ _ Hv) as (_ & ->). destruct s; cbn [fed].
  - split; intros H; now apply Qle_bool_R in H.
  - split; intros H; apply nearest32_ok_sound in H; rewrite H; lra.
Qed.

Lemma box_represented_sound : forall s l m, box_represented s l m = true -> length l = length m /\
  forall j r, (j < length l)%nat -> Q2R (fst (nth j l (0%Q, 0%Q))) <= r <= Q2R (snd (nth j l (0%Q, 0%Q))) ->
    V (fst (nth j m (nan, nan))) <= fed s r <= V (snd (nth j m (nan, nan))).
Proof.
  intros s. induction l as [| [a b] l IH]; intros [| [lo hi] m] H; try discriminate; [split; [reflexivity | intros j r Hj; cbn in Hj; lia] |].
  cbn [box_represented] in H. apply andb_prop in H. destruct H as (H & Hrest). apply andb_prop in H. destruct H as (Hlo & Hhi).
  destruct (IH m Hrest) as (I1 & I2). split; [cbn; now rewrite I1 |]. intros j r Hj Hr. destruct j as [| j].
  - cbn [nth fst snd] in *. apply (end_represented_sound s a lo) in Hlo. apply (end_represented_sound s b hi) in Hhi.
    split; [eapply Rle_trans; [exact Hlo | now apply fed_le] | eapply Rle_trans; [apply fed_le; apply Hr | exact Hhi]].
  - cbn [nth] in *. apply I2; [cbn in Hj; lia | exact Hr].
Qed.

Theorem property_represented_sound : forall s p f, property_represented s p f = true -> represents_property s p f.
Proof.
  intros s p f H. unfold property_represented in H. eapply all2_forall2; [| exact H]. cbv beta. intros c g Hc. apply andb_prop in Hc. destruct Hc as (Hb & Hcs).
  destruct (box_represented_sound s _ _ Hb) as (B1 & B2). constructor; [exact B1 | exact B2 |].
  eapply all2_forall2; [apply constraint_represented_sound | exact Hcs].
Qed.

(* One evaluation decides all. *)
Theorem check_sound_decided : forall s net p fp tree,
  property_represented s p fp && check_certificate s net fp tree = true -> claim s net p.
Proof.
  intros s net p fp tree H. apply andb_prop in H. destruct H as (H1 & H2).
  eapply check_sound; [apply property_represented_sound; exact H1 | exact H2].
Qed.
