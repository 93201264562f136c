(* The constraint form of a disjunct and clipping (spec/certificate.md sections 7 and
   8): an unsafe point makes the form at most tau / 4, and the ends that CLIP computes
   hold at every such point. Relies on Backward and LayerSound. *)
From Flocq Require Import Core Relative.
From Coq Require Import ZArith QArith Qreals Reals List Lra Lia Psatz Floats Uint63.
From Coq Require PArray.
From AxiomProofs Require Import Lists SumTrees Binary64 Semantics Rounding AffineRows Lines Store Sweep Backward Layers LayerSound.
Import ListNotations.
Local Open Scope R_scope.
Local Open Scope bool_scope.

(* A constraint as the checker has it: t rounded to nearest, the right side up. *)
Record fconstraint := Fconstraint { fleft : list (variable * float); fright : float }.
Record fdisjunct := Fdisjunct { fbox : list (float * float); fconstraints : list fconstraint }.

Definition is_input (v : variable) : bool := match v with X _ => true | Y _ => false end.

Section Form.
  Variables (s : semantics) (outs : list int) (x : int -> float).

  Definition element_of (v : variable) : int := match v with X j => int_of j | Y k => nth k outs 0%uint63 end.

  (* G *)
  Definition constraint_charge (c : fconstraint) : float :=
    let size := fsum (fun t => abs (snd t) * x (element_of (fst t)))%float (fleft c) 0 in
    let rounding := fsum (fun t => abs (snd t) * (single_u * x (element_of (fst t)) + 0x1p-149))%float
                      (filter (fun t => is_input (fst t)) (fleft c)) 0 in
    let g := (size * (most 4 (float_of_nat (length (fleft c))) * U) + abs (fright c) * (4 * U))%float in
    match s with real => g | float32 => (g + rounding)%float end.

  Definition add_terms (terms : list (int * float)) (A : PArray.array float) : PArray.array float :=
    fold_left (fun A t => write A (fst t) (read A (fst t) + snd t)%float) terms A.

  Definition constraint_form (c : fconstraint) (zeros : PArray.array float) : float * PArray.array float :=
    (charge (- fright c) (constraint_charge c), add_terms (map (fun t => (element_of (fst t), snd t)) (fleft c)) zeros).

  (* Several constraints with factors mu *)
  Definition scaled_terms (l : list (fconstraint * float)) : list (int * float) :=
    flat_map (fun m => map (fun t => (element_of (fst t), (snd m * snd t)%float)) (fleft (fst m))) l.

  Definition combination_form (l : list (fconstraint * float)) (zeros : PArray.array float) : float * PArray.array float :=
    let terms := scaled_terms l in
    let c := fsum (fun m => snd m * - fright (fst m))%float l 0 in
    let size := fsum (fun t => abs (snd t) * x (fst t))%float terms 0 in
    let right := fsum (fun m => abs (snd m * fright (fst m)))%float l 0 in
    let g := fsum (fun m => snd m * constraint_charge (fst m))%float l 0 in
    (charge c (g + (float_of_nat (length terms) + 4) * (4 * U) * (size + right))%float, add_terms terms zeros).
End Form.

(* ---- Columns of sums of single numbers *)

Definition at_index (j : nat) (t : int * float) : bool := Nat.eqb (idx (fst t)) j.

Lemma size_add_terms : forall l a, size (add_terms l a) = size a.
Proof. induction l as [| t l IH]; intros a; [reflexivity |]. unfold add_terms in *. cbn [fold_left]. rewrite IH. apply size_write. Qed.

Lemma add_terms_column : forall l a j, (forall t, In t l -> (idx (fst t) < size a)%nat) -> (j < size a)%nat ->
  nat_at (add_terms l a) j = fsum snd (filter (at_index j) l) (nat_at a j).
Proof.
  induction l as [| t l IH]; intros a j Hl Hj; [reflexivity |]. unfold add_terms in *. cbn [fold_left filter]. rewrite IH.
  - rewrite nat_at_write by (auto; apply Hl; now left). unfold at_index at 2. rewrite (Nat.eqb_sym j).
    destruct (Nat.eqb_spec (idx (fst t)) j) as [<- | Hn]; [| reflexivity]. rewrite get_nat_at. reflexivity.
  - intros. rewrite size_write. apply Hl. now right.
  - now rewrite size_write.
Qed.

Lemma sum_by_index : forall (g : int * float -> R) (z : nat -> R) n l, (forall t, In t l -> (idx (fst t) < n)%nat) ->
  sum (fun i => sum g (filter (at_index i) l) * z i) (seq 0 n) = sum (fun t => g t * z (idx (fst t))) l.
Proof.
  intros g z n l. induction l as [| t l IH]; intros Hl.
  - rewrite (sum_ext _ _ (fun _ => 0)) by (intros; unfold sum; simpl; ring). apply sum_zero.
  - change (sum (fun t0 => g t0 * z (idx (fst t0))) (t :: l)) with (g t * z (idx (fst t)) + sum (fun t0 => g t0 * z (idx (fst t0))) l).
    rewrite <- IH by (intros; apply Hl; now right).
    rewrite (sum_ext _ _ (fun i => (if Nat.eqb (idx (fst t)) i then g t * z i else 0) + sum g (filter (at_index i) l) * z i)).
    2:{ intros i _. cbn [filter]. unfold at_index at 1. destruct (Nat.eqb (idx (fst t)) i); [| ring].
        change (sum g (t :: ?m)) with (g t + sum g m). ring. }
    rewrite sum_plus. f_equal. specialize (Hl t (or_introl eq_refl)).
    assert (G : forall k n0, (k <= idx (fst t) < k + n0)%nat ->
      sum (fun i => if Nat.eqb (idx (fst t)) i then g t * z i else 0) (seq k n0) = g t * z (idx (fst t))).
    { intros k n0. revert k. induction n0 as [| n0 IHn]; intros k Hk; [lia |]. cbn [seq].
      change (sum ?f (k :: ?m)) with (f k + sum f m). cbv beta. destruct (Nat.eqb_spec (idx (fst t)) k) as [He | He].
      - rewrite He. rewrite (sum_ext _ _ (fun _ => 0)).
        + rewrite sum_zero. ring.
        + intros i Hi. apply in_seq in Hi. destruct (Nat.eqb_spec k i); [lia | reflexivity].
      - rewrite IHn by lia. ring. }
    apply G. lia.
Qed.

(* ---- Feeding a real point rounds it *)

Lemma fed_error : forall s x, Rabs (x - fed s x) <= match s with real => 0 | float32 => u32 * Rabs (fed s x) + p2 (-150) end.
Proof.
  intros s x. destruct s; cbn [fed]; [replace (x - x) with 0 by ring; rewrite Rabs_R0; lra |].
  assert (H149 : 0 < p2 (-150)) by apply bpow_gt_0.
  assert (Hu : 0 < u32) by apply bpow_gt_0. pose proof (Rabs_pos (nearest32 x)).
  rewrite Rabs_minus_sym.
  destruct (Rle_lt_dec (p2 (-126)) (Rabs x)) as [Hn | Hs].
  - assert (E := relative_error_N_FLT_round radix2 (-149) 24 ltac:(lia) (fun z => negb (Z.even z)) x Hn).
    fold (nearest32 x) in E. replace (/ 2 * p2 (- (24) + 1)) with u32 in E by (unfold u32; simpl; lra). lra.
  - assert (E := error_le_half_ulp radix2 (FLT_exp (-149) 24) (fun z => negb (Z.even z)) x).
    fold (nearest32 x) in E. rewrite ulp_FLT_small in E.
    + replace (/ 2 * p2 (-149)) with (p2 (-150)) in E.
      2:{ replace (-149)%Z with (1 + -150)%Z by lia. rewrite bpow_plus. change (p2 1) with 2. field. }
      assert (0 <= u32 * Rabs (nearest32 x)) by (apply Rmult_le_pos; lra). lra.
    + reflexivity.
    + eapply Rlt_trans; [exact Hs |]. apply bpow_lt. lia.
Qed.

Section Sound.
  Variables (s : semantics) (outs : list int) (x : int -> float) (y : execution) (point : nat -> R) (total : nat).

  Definition value_of (v : variable) : R := match v with X j => point j | Y _ => y (idx (element_of outs v)) end.

  (* The exact constraint behind a rounded one *)
  Record represents (c : constraint) (f : fconstraint) : Prop := {
    rep_variables : map fst (left c) = map fst (fleft f);
    rep_terms : forall t u, In (t, u) (combine (left c) (fleft f)) -> fin (snd u) /\
      Rabs (Q2R (snd t) - V (snd u)) <= d * Rabs (V (snd u)) /\ p2 (-500) <= Rabs (V (snd u));
    rep_right : fin (fright f) /\ Q2R (right c) <= V (fright f)
  }.

  Variables (c : constraint) (f : fconstraint).
  Hypothesis rep : represents c f.
  Hypothesis sat : sum (fun t => Q2R (snd t) * value_of (fst t)) (left c) <= Q2R (right c).
  Hypothesis in_range : forall t, In t (fleft f) -> (idx (element_of outs (fst t)) < total)%nat.
  Hypothesis sizes : forall t, In t (fleft f) -> Rabs (y (idx (element_of outs (fst t)))) <= V (x (element_of outs (fst t))).
  Hypothesis feeding : forall j t, In (X j, t) (fleft f) -> y (idx (element_of outs (X j))) = fed s (point j).
  Hypothesis few : INR (length (fleft f)) <= 1048576.

  Let yv (t : variable * float) : R := y (idx (element_of outs (fst t))).
  Let S : R := sum (fun t => Rabs (V (snd t)) * V (x (element_of outs (fst t)))) (fleft f).
  (* the part for the rounding of the inputs *)
  Let slackX (t : variable * float) : R :=
    match s with real => 0 | float32 => if is_input (fst t) then Rabs (V (snd t)) * (u32 * V (x (element_of outs (fst t))) + p2 (-150)) else 0 end.

  Lemma coefficient_size : forall u, In u (fleft f) -> fin (snd u) /\ p2 (-500) <= Rabs (V (snd u)).
  Proof.
    intros u Hu. destruct rep as [Hv Hte _].
    assert (exists t0, In (t0, u) (combine (left c) (fleft f))) as (t0 & Hin).
    { clear - Hv Hu. revert Hv Hu. generalize (fleft f) as l2. induction (left c) as [| a l1 IH]; intros l2 Hv Hu; destruct l2 as [| b l2]; try discriminate; [easy |].
      destruct Hu as [-> | Hu]; [exists a; now left |]. cbn in Hv. injection Hv as _ Hv. destruct (IH l2 Hv Hu) as (t0 & Ht0). exists t0. now right. }
    destruct (Hte _ _ Hin) as (F & _ & Hb). now split.
  Qed.

  Lemma S_nonnegative : 0 <= S.
  Proof.
    apply sum_nonnegative. intros t Ht. apply Rmult_le_pos; [apply Rabs_pos |]. specialize (sizes t Ht).
    pose proof (Rabs_pos (y (idx (element_of outs (fst t))))). lra.
  Qed.

  (* The rounded coefficients at the fed point *)
  Lemma rounded_constraint : sum (fun t => V (snd t) * yv t) (fleft f) <= V (fright f) + d * S + (1 + d) * sum slackX (fleft f).
  Proof.
    destruct rep as [Hv Ht [Fr Hr]]. apply Rle_trans with (sum (fun t => Q2R (snd t) * value_of (fst t)) (left c) + d * S + (1 + d) * sum slackX (fleft f)); [| lra].
    unfold S. clear S few sat rep Fr Hr. revert Hv Ht sizes feeding. generalize (fleft f) as l2. generalize (left c) as l1.
    induction l1 as [| t l1 IH]; intros l2 Hv Ht Hs Hf; destruct l2 as [| u l2]; try discriminate; [unfold sum; simpl; lra |].
    cbn [map] in Hv. injection Hv as Hv0 Hv. change (sum ?g (u :: l2)) with (g u + sum g l2). change (sum ?g (t :: l1)) with (g t + sum g l1). cbv beta.
    specialize (IH l2 Hv (fun t0 u0 H => Ht t0 u0 (or_intror H)) (fun t0 H => Hs t0 (or_intror H)) (fun j t0 H => Hf j t0 (or_intror H))).
    destruct (Ht t u (or_introl eq_refl)) as (Fu & E & _). specialize (Hs u (or_introl eq_refl)).
    set (a := V (snd u)) in *. set (q := Q2R (snd t)) in *. set (xe := V (x (element_of outs (fst u)))) in *.
    assert (Hq : Rabs q <= (1 + d) * Rabs a).
    { replace q with (a + (q - a)) by ring. eapply Rle_trans; [apply Rabs_triang | lra]. }
    assert (Hdist : Rabs (yv u - value_of (fst t)) <= match s with real => 0 | float32 => if is_input (fst u) then u32 * xe + p2 (-150) else 0 end).
    { unfold yv. rewrite Hv0. destruct (fst u) as [j | k] eqn:Hj; cbn [value_of is_input].
      - assert (Hin : In (X j, snd u) (u :: l2)) by (left; rewrite <- Hj; now destruct u). rewrite (Hf j (snd u) Hin).
        pose proof (fed_error s (point j)) as Hfe. rewrite Rabs_minus_sym in Hfe. rewrite <- (Hf j (snd u) Hin) in *. destruct s; [exact Hfe |].
        eapply Rle_trans; [exact Hfe |]. apply Rplus_le_compat_r. apply Rmult_le_compat_l; [apply bpow_ge_0 | exact Hs].
      - replace (y (idx (element_of outs (Y k))) - y (idx (element_of outs (Y k)))) with 0 by ring. rewrite Rabs_R0. destruct s; lra. }
    assert (Hmain : a * yv u <= q * value_of (fst t) + d * (Rabs a * xe) + (1 + d) * slackX u).
    { replace (a * yv u) with (q * value_of (fst t) + (- ((q - a) * yv u)) + q * (yv u - value_of (fst t))) by ring.
      apply Rplus_le_compat; [apply Rplus_le_compat_l |].
      - eapply Rle_trans; [apply Rle_abs |]. rewrite Rabs_Ropp, Rabs_mult. rewrite <- Rmult_assoc. apply Rmult_le_compat; try apply Rabs_pos; assumption.
      - eapply Rle_trans; [apply Rle_abs |]. rewrite Rabs_mult. unfold slackX. fold a xe.
        apply Rle_trans with ((1 + d) * Rabs a * Rabs (yv u - value_of (fst t))); [apply Rmult_le_compat_r; [apply Rabs_pos | exact Hq] |].
        rewrite Rmult_assoc. apply Rmult_le_compat_l; [numeric |].
        destruct s; [rewrite (Rle_antisym _ _ Hdist (Rabs_pos _)); lra |]. destruct (is_input (fst u)).
        + apply Rmult_le_compat_l; [apply Rabs_pos | exact Hdist].
        + rewrite (Rle_antisym _ _ Hdist (Rabs_pos _)). lra. }
    lra.
  Qed.

  Let L := map (fun t => (element_of outs (fst t), snd t)) (fleft f).
  Let N := INR (length (fleft f)).

  Lemma terms_form : forall zeros, size zeros = total -> (forall i, nat_at zeros i = 0%float) ->
    (forall i, (i < total)%nat -> fin (nat_at (add_terms L zeros) i)) ->
    form (add_terms L zeros) total y <= sum (fun t => V (snd t) * yv t) (fleft f) + ((N + 1) * (4001 / 4000) + / 1000) * d * S.
  Proof.
    intros zeros Hz H0 Hf. unfold form. pose proof w_positive as Hw. pose proof (pos_INR (length (fleft f))) as HN. fold N in few, HN.
    assert (HL : forall t, In t L -> (idx (fst t) < total)%nat).
    { intros t Ht. apply in_map_iff in Ht. destruct Ht as (u & <- & Hu). now apply in_range. }
    assert (Hbig : forall t, In t L -> 4 * w <= / 1000 * d * Rabs (V (snd t))).
    { intros t Ht. apply in_map_iff in Ht. destruct Ht as (u & <- & Hu). cbn [snd]. destruct rep as [Hv Hte _].
      assert (exists t0, In (t0, u) (combine (left c) (fleft f))) as (t0 & Hin).
      { clear - Hv Hu. revert Hv Hu. generalize (fleft f) as l2. induction (left c) as [| a l1 IH]; intros l2 Hv Hu; destruct l2 as [| b l2]; try discriminate; [easy |].
        destruct Hu as [-> | Hu]; [exists a; now left |]. cbn in Hv. injection Hv as _ Hv. destruct (IH l2 Hv Hu) as (t0 & Ht0). exists t0. now right. }
      destruct (Hte _ _ Hin) as (_ & _ & Hb). apply Rle_trans with (/ 1000 * d * p2 (-500)); [| apply Rmult_le_compat_l; [numeric | exact Hb]].
      pose proof tau_w. assert (tauR <= p2 (-490) * p2 (-500)) by (rewrite <- bpow_plus; apply tau_bpow; lia).
      assert (p2 (-490) <= d * d) by (rewrite d_value, <- bpow_plus; apply bpow_le; lia).
      assert (0 < p2 (-500)) by apply bpow_gt_0.
      assert (p2 (-490) * p2 (-500) <= d * d * p2 (-500)) by (apply Rmult_le_compat_r; lra). numeric. }
    assert (HSL : sum (fun t => Rabs (V (snd t)) * Rabs (y (idx (fst t)))) L <= S).
    { unfold L, S. rewrite sum_map. cbn [fst snd]. apply sum_le. intros t Ht. apply Rmult_le_compat_l; [apply Rabs_pos | now apply sizes]. }
    assert (Hsum : sum (fun t => V (snd t) * yv t) (fleft f) = sum (fun t => V (snd t) * y (idx (fst t))) L).
    { unfold L. rewrite sum_map. reflexivity. }
    rewrite Hsum. rewrite <- (sum_by_index (fun t => V (snd t)) y total L HL).
    rewrite <- (sum_by_index (fun t => Rabs (V (snd t))) (fun i => Rabs (y i)) total L HL) in HSL.
    apply Rle_trans with (sum (fun i => sum (fun t => V (snd t)) (filter (at_index i) L) * y i
      + ((N + 1) * (4001 / 4000) + / 1000) * d * (sum (fun t => Rabs (V (snd t))) (filter (at_index i) L) * Rabs (y i))) (seq 0 total)).
    2:{ rewrite sum_plus, sum_scale. apply Rplus_le_compat_l. apply Rmult_le_compat_l; [numeric | exact HSL]. }
    apply sum_le. intros i Hi. apply in_seq in Hi. specialize (Hf i ltac:(lia)).
    rewrite add_terms_column in * by (rewrite ?Hz; auto; lia). rewrite H0 in *.
    set (li := filter (at_index i) L) in *.
    assert (Hli : INR (length li) <= N).
    { apply le_INR. unfold li, L. eapply Nat.le_trans; [apply filter_length_le | now rewrite map_length]. }
    pose proof (pos_INR (length li)) as Hl0.
    destruct (fsum_error _ snd (fun t : int * float => V (snd t)) li 0%float) as (_ & _ & E); [lra | | exact Hf |].
    { intros t _ _. replace (V (snd t) - V (snd t)) with 0 by ring. rewrite Rabs_R0. pose proof (Rabs_pos (V (snd t))). numeric. }
    rewrite V_0, Rabs_R0, !Rplus_0_l in E.
    assert (Hw4 : 4 * INR (length li) * w <= / 1000 * d * sum (fun t => Rabs (V (snd t))) li).
    { assert (G : forall l, (forall t, In t l -> In t L) -> 4 * INR (length l) * w <= / 1000 * d * sum (fun t : int * float => Rabs (V (snd t))) l).
      { induction l as [| t l IH]; intros Hin; [unfold sum; simpl; lra |]. cbn [length]. rewrite S_INR.
        change (sum ?g (t :: l)) with (g t + sum g l). cbv beta.
        specialize (IH (fun t0 H => Hin t0 (or_intror H))). specialize (Hbig t (Hin t (or_introl eq_refl))). lra. }
      apply G. intros t Ht. now apply filter_In in Ht. }
    set (T := sum (fun t : int * float => Rabs (V (snd t))) li) in *.
    assert (HT : 0 <= T) by (apply sum_nonnegative; intros; apply Rabs_pos).
    set (v := V (fsum snd li 0)) in *. set (e := sum (fun t : int * float => V (snd t)) li) in *.
    assert (E' : Rabs (v - e) <= ((N + 1) * (4001 / 4000) + / 1000) * d * T).
    { assert ((INR (length li) + 1) * d * (4001 / 4000) * T <= (N + 1) * d * (4001 / 4000) * T) by (apply Rmult_le_compat_r; [exact HT | numeric]).
      lra. }
    replace (v * y i) with (e * y i + (v - e) * y i) by ring. apply Rplus_le_compat_l.
    eapply Rle_trans; [apply Rle_abs |]. rewrite Rabs_mult, <- Rmult_assoc. apply Rmult_le_compat_r; [apply Rabs_pos | exact E'].
  Qed.

  (* The charge covers what the rounding of coefficients, of sums and of inputs may cost. *)
  Lemma charge_covers : fin (constraint_charge s outs x f) ->
    0 <= V (constraint_charge s outs x f) /\
    ((N + 1) * (4001 / 4000) + 11 / 10) * d * S + (1 + d) * sum slackX (fleft f) <= V (constraint_charge s outs x f) + tauR / 4 /\
    (1 + 1050000 * d) * sum slackX (fleft f) <= V (constraint_charge s outs x f) + / 2 * d * S.
  Proof.
    intros H. pose proof w_positive as Hw. pose proof tau_w as Htw. pose proof tau_positive as Htp. pose proof S_nonnegative as HS.
    unfold constraint_charge in *. set (size := fsum (fun t => abs (snd t) * x (element_of outs (fst t)))%float (fleft f) 0) in *.
    set (rnds := fsum (fun t => abs (snd t) * (single_u * x (element_of outs (fst t)) + 0x1p-149))%float (filter (fun t => is_input (fst t)) (fleft f)) 0) in *.
    pose proof (pos_INR (length (fleft f))) as HN. fold N in HN, few.
    (* the factor max(4, n) U *)
    set (factor := (most 4 (float_of_nat (length (fleft f))) * U)%float) in *. set (K := Rmax 4 N).
    assert (HK4 : 4 <= K) by apply Rmax_l. assert (HKN : N <= K) by apply Rmax_r.
    assert (HK : K <= 1048576) by (unfold K, Rmax; destruct (Rle_dec 4 N); lra).
    assert (HKS : 4 * S <= K * S /\ N * S <= K * S) by (split; apply Rmult_le_compat_r; lra).
    assert (Vfactor : fin factor -> 2 * K * d * (1 - 2 * d) <= V factor <= 1).
    { intros Ff. unfold factor in *. destruct (mul_fin _ _ Ff) as (Fmx & _ & _).
      assert (Hlen : (Z.of_nat (length (fleft f)) <= 2 ^ 53)%Z).
      { apply le_IZR. rewrite <- INR_IZR_INZ. fold N. change (IZR (2 ^ 53)) with 9007199254740992. lra. }
      destruct (float_of_nat_V _ Hlen) as (F1 & V1). fold N in V1.
      assert (F4 : fin 4) by literal_fin. assert (V4 : V 4 = 4) by (literal_V 4%float; simpl; lra).
      destruct (most_V 4 (float_of_nat (length (fleft f))) F4 F1) as (_ & M1 & M2). rewrite V4 in M1. rewrite V1 in M2.
      assert (Hup : V (most 4 (float_of_nat (length (fleft f)))) <= K).
      { unfold most. destruct (4 <? float_of_nat (length (fleft f)))%float; rewrite ?V1, ?V4; assumption. }
      assert (HlowK : K <= V (most 4 (float_of_nat (length (fleft f))))) by (unfold K; now apply Rmax_lub).
      destruct (mul_pos _ _ Ff) as (_ & _ & E); [lra | rewrite V_U; numeric |]. rewrite V_U in E.
      assert (w <= d * d) by (pose proof tau_tiny; numeric). numeric. }
    assert (Hx0 : forall t, In t (fleft f) -> 0 <= V (x (element_of outs (fst t)))).
    { intros t Ht. specialize (sizes t Ht). pose proof (Rabs_pos (y (idx (element_of outs (fst t))))). lra. }
    assert (Hg : forall g, g = (size * factor + abs (fright f) * (4 * U))%float -> fin g -> 0 <= V g /\ 2 * d * (1 - / 1000) * (K * S) - 5 * (N + 1) * w <= V g).
    { intros g -> Fg. destruct (add_fin _ _ Fg) as (F1 & F2 & _). destruct (mul_fin _ _ F1) as (Fsz & Ffac & _). destruct (Vfactor Ffac) as (VF1 & VF2).
      assert (PF : 0 <= V factor) by (eapply Rle_trans; [| exact VF1]; numeric).
      destruct (fsum_pos _ (fun t => abs (snd t) * x (element_of outs (fst t)))%float (fun t => Rabs (V (snd t)) * V (x (element_of outs (fst t)))) (fleft f) 0%float)
        as (P & _); [fold N; lra | rewrite V_0; lra | | | exact Fsz |].
      { intros t Ht. apply Rmult_le_pos; [apply Rabs_pos | auto]. }
      { intros t _ F. destruct (mul_V _ _ F) as (_ & _ & E). now rewrite abs_V in E. }
      fold size N S in P. rewrite V_0, Rplus_0_l in P.
      assert (Psz : 0 <= V size).
      { apply fsum_sign; [exact Fsz | rewrite V_0; lra |]. intros t Ht F. apply mul_sign; auto. rewrite abs_V. apply Rabs_pos. }
      destruct (mul_pos _ _ F1) as (_ & _ & (E1 & _)); [exact Psz | exact PF |].
      assert (P1 : 0 <= V (size * factor)%float) by (apply mul_sign; auto).
      assert (P2 : 0 <= V (abs (fright f) * (4 * U))%float) by (apply mul_sign; auto; [rewrite abs_V; apply Rabs_pos | rewrite V_4U; numeric]).
      destruct (add_pos _ _ Fg) as (_ & _ & (E2 & _)); auto. split; [now apply add_sign |].
      assert ((N + 1) * d * (4001 / 4000) * S <= / 100000 * S) by (apply Rmult_le_compat_r; [exact HS | numeric]).
      assert (HNw : 0 <= N * w) by (apply Rmult_le_pos; lra).
      assert (Hsz : (1 - / 100000) * S - 4 * N * w <= V size) by lra.
      assert (Hm : ((1 - / 100000) * S - 4 * N * w) * V factor <= V size * V factor) by (apply Rmult_le_compat_r; assumption).
      assert (Hm1 : 4 * N * w * V factor <= 4 * N * w * 1) by (apply Rmult_le_compat_l; [lra | exact VF2]).
      assert (Hm2 : (1 - / 100000) * S * (2 * K * d * (1 - 2 * d)) <= (1 - / 100000) * S * V factor) by (apply Rmult_le_compat_l; [lra | exact VF1]).
      assert (0 <= K * S) by (apply Rmult_le_pos; lra).
      numeric. }
    assert (HNw : N * w <= 1048576 * w) by (apply Rmult_le_compat_r; lra).
    assert (HNw0 : 0 <= N * w) by (apply Rmult_le_pos; lra).
    destruct s.
    - destruct (Hg _ eq_refl H) as (G0 & G). split; [exact G0 |].
      replace (sum slackX (fleft f)) with 0 by (symmetry; unfold slackX; apply sum_zero). split; numeric.
    - destruct (add_fin _ _ H) as (Fg & Frn & _). destruct (Hg _ eq_refl Fg) as (G0 & G).
      set (li := filter (fun t => is_input (fst t)) (fleft f)) in *.
      assert (Hli : INR (length li) <= N) by (apply le_INR, filter_length_le). pose proof (pos_INR (length li)) as Hl0.
      assert (Hin : forall t, In t li -> In t (fleft f)) by (intros t Ht; now apply filter_In in Ht).
      assert (V149 : V 0x1p-149 = p2 (-149)).
      { literal_V 0x1p-149%float. replace (-149)%Z with (52 + -201)%Z by lia. rewrite bpow_plus. change (p2 52) with 4503599627370496. reflexivity. }
      assert (H149 : p2 (-149) = 2 * p2 (-150)).
      { replace (-149)%Z with (1 + -150)%Z by lia. rewrite bpow_plus. reflexivity. }
      assert (Hp : 0 < p2 (-150)) by apply bpow_gt_0.
      assert (Vu : V single_u = u32) by apply V_single_u.
      assert (Hu32 : 0 < u32) by apply bpow_gt_0.
      assert (Hwp : w <= / 1000 * p2 (-150)).
      { assert (tauR <= p2 (-150)) by (apply tau_bpow; lia). lra. }
      (* per term: the computed product is near |t| (u X + 2^-149), of which half of the last part is to spare *)
      set (r := fun t : variable * float => Rabs (V (snd t)) * V (single_u * x (element_of outs (fst t)) + 0x1p-149)%float).
      assert (Finr : forall t, In t li -> fin (abs (snd t) * (single_u * x (element_of outs (fst t)) + 0x1p-149))%float).
      { destruct (fsum_error_power _ (fun t => abs (snd t) * (single_u * x (element_of outs (fst t)) + 0x1p-149))%float r li 0%float) as (_ & F & _); [| exact Frn | exact F].
        intros t _ F. destruct (mul_V _ _ F) as (_ & _ & E). now rewrite abs_V in E. }
      assert (Hr : forall t, In t li -> 0 <= r t /\
        (1 + 1060000 * d) * slackX t <= (1 - 1049000 * d) * r t + / 5 * d * (Rabs (V (snd t)) * V (x (element_of outs (fst t))))).
      { intros t Ht. destruct (mul_fin _ _ (Finr t Ht)) as (Ft & Fs & _). destruct (add_fin _ _ Fs) as (Fm & _ & _).
        specialize (Hx0 t (Hin t Ht)). pose proof (Rabs_pos (V (snd t))) as Pt. set (X0 := V (x (element_of outs (fst t)))) in *.
        destruct (mul_pos _ _ Fm) as (_ & _ & (Em & _)); [rewrite Vu; lra | exact Hx0 |]. rewrite Vu in Em. fold X0 in Em.
        assert (Pm : 0 <= V (single_u * x (element_of outs (fst t)))%float) by (apply mul_sign; auto; rewrite Vu; lra).
        destruct (add_pos _ _ Fs) as (_ & _ & (Es & _)); [exact Pm | rewrite V149; lra |]. rewrite V149, H149 in Es.
        assert (Ps : 0 <= V (single_u * x (element_of outs (fst t)) + 0x1p-149)%float) by (apply add_sign; auto; rewrite V149; lra).
        split; [apply Rmult_le_pos; [exact Pt | exact Ps] |].
        unfold slackX. apply filter_In in Ht. destruct Ht as (_ & ->). unfold r. fold X0.
        set (a := V (single_u * x (element_of outs (fst t)) + 0x1p-149)%float) in *. set (z := Rabs (V (snd t))) in *.
        assert (Kr : (1 + 1060000 * d) * (u32 * X0 + p2 (-150)) <= (1 - 1049000 * d) * a + / 5 * d * X0) by (rewrite u32_value in *; numeric).
        replace ((1 + 1060000 * d) * (z * (u32 * X0 + p2 (-150)))) with (z * ((1 + 1060000 * d) * (u32 * X0 + p2 (-150)))) by ring.
        replace ((1 - 1049000 * d) * (z * a) + / 5 * d * (z * X0)) with (z * ((1 - 1049000 * d) * a + / 5 * d * X0)) by ring.
        now apply Rmult_le_compat_l. }
      destruct (fsum_pos _ (fun t => abs (snd t) * (single_u * x (element_of outs (fst t)) + 0x1p-149))%float r li 0%float) as (P & _);
        [lra | rewrite V_0; lra | intros t Ht; now apply Hr | | exact Frn |].
      { intros t _ F. destruct (mul_V _ _ F) as (_ & _ & E). now rewrite abs_V in E. }
      fold rnds in P. rewrite V_0, Rplus_0_l in P.
      assert (Hsr : 0 <= sum r li) by (apply sum_nonnegative; intros t Ht; now apply Hr).
      assert (Hsx : (1 + 1060000 * d) * sum slackX li <= (1 - 1049000 * d) * sum r li + / 5 * d * S).
      { apply Rle_trans with ((1 - 1049000 * d) * sum r li + / 5 * d * sum (fun t => Rabs (V (snd t)) * V (x (element_of outs (fst t)))) li).
        - rewrite <- !sum_scale, <- sum_plus. apply sum_le. intros t Ht. now apply Hr.
        - apply Rplus_le_compat_l. apply Rmult_le_compat_l; [numeric |]. unfold S, li. clear - Hx0. induction (fleft f) as [| t l IH]; [unfold sum; simpl; lra |].
          cbn [filter]. change (sum ?g (t :: l)) with (g t + sum g l). cbv beta.
          specialize (IH (fun t0 H => Hx0 t0 (or_intror H))). specialize (Hx0 t (or_introl eq_refl)).
          assert (0 <= Rabs (V (snd t)) * V (x (element_of outs (fst t)))) by (apply Rmult_le_pos; [apply Rabs_pos | exact Hx0]).
          destruct (is_input (fst t)); [change (sum ?g (t :: ?m)) with (g t + sum g m); cbv beta; lra | lra]. }
      assert (Hall : sum slackX (fleft f) = sum slackX li).
      { unfold li, slackX. clear. induction (fleft f) as [| t l IH]; [reflexivity |]. cbn [filter].
        change (sum ?g (t :: l)) with (g t + sum g l). cbv beta. rewrite IH.
        destruct (is_input (fst t)) eqn:E; [change (sum ?g (t :: ?m)) with (g t + sum g m); cbv beta; rewrite E; reflexivity | ring]. }
      rewrite Hall.
      assert (Hsx0 : 0 <= sum slackX li).
      { apply sum_nonnegative. intros t Ht. unfold slackX. destruct (is_input (fst t)); [| lra].
        apply Rmult_le_pos; [apply Rabs_pos |]. specialize (Hx0 t (Hin t Ht)). assert (0 <= u32 * V (x (element_of outs (fst t)))) by (apply Rmult_le_pos; lra). lra. }
      assert (Hdsx0 : 0 <= d * sum slackX li) by (apply Rmult_le_pos; numeric).
      assert (Prn : 0 <= V rnds).
      { apply fsum_sign; [exact Frn | rewrite V_0; lra |]. intros t Ht F.
        destruct (mul_fin _ _ F) as (_ & Fs & _). destruct (add_fin _ _ Fs) as (Fm & _ & _). apply mul_sign; auto; [rewrite abs_V; apply Rabs_pos |].
        apply add_sign; auto; [| rewrite V149; lra]. apply mul_sign; auto; rewrite Vu; lra. }
      destruct (add_pos _ _ H) as (_ & _ & (E & _)); auto. split; [now apply add_sign |].
      assert ((INR (length li) + 1) * d * (4001 / 4000) * sum r li <= 1049000 * d * sum r li) by (apply Rmult_le_compat_r; [exact Hsr | numeric]).
      assert (INR (length li) * w <= N * w) by (apply Rmult_le_compat_r; lra).
      set (g := V (size * factor + abs (fright f) * (4 * U))%float) in *.
      assert (Hdr : 0 <= d * sum r li) by (apply Rmult_le_pos; numeric).
      assert (Hwx : 4 * INR (length li) * w <= d * d * sum slackX li).
      { assert (Gen : forall l0, (forall t, In t l0 -> In t li) -> 4 * INR (length l0) * w <= d * d * sum slackX l0).
        { induction l0 as [| t l0 IH]; intros Hl; [unfold sum; simpl; lra |]. cbn [length]. rewrite S_INR.
          change (sum ?h (t :: l0)) with (h t + sum h l0). specialize (IH (fun t0 H0 => Hl t0 (or_intror H0))).
          specialize (Hl t (or_introl eq_refl)). assert (Ht : In t (fleft f)) by now apply Hin.
          destruct (coefficient_size t Ht) as (_ & Hb). specialize (Hx0 t Ht).
          assert (Hst : p2 (-500) * p2 (-150) <= slackX t).
          { unfold slackX. unfold li in Hl. apply filter_In in Hl. destruct Hl as (_ & ->).
            assert (0 <= u32 * V (x (element_of outs (fst t)))) by (apply Rmult_le_pos; lra).
            apply Rmult_le_compat; try apply bpow_ge_0; lra. }
          assert (tauR <= d * d * (p2 (-500) * p2 (-150))).
          { rewrite d_value, <- !bpow_plus. apply tau_bpow. lia. }
          assert (d * d * (p2 (-500) * p2 (-150)) <= d * d * slackX t) by (apply Rmult_le_compat_l; [numeric | exact Hst]).
          lra. }
        apply Gen. auto. }
      split; numeric.
  Qed.

  (* At an unsafe point the form is at most tau / 4. *)
  Theorem constraint_form_sound : forall zeros cc A, size zeros = total -> (forall i, nat_at zeros i = 0%float) ->
    constraint_form s outs x f zeros = (cc, A) -> fin cc -> (forall i, (i < total)%nat -> fin (nat_at A i)) ->
    size A = total /\ V cc + form A total y <= tauR / 4.
  Proof.
    intros zeros cc A Hz H0 H Fc FA. unfold constraint_form in H. apply pair_equal_spec in H. destruct H as (<- & <-).
    split; [rewrite size_add_terms; exact Hz |].
    assert (FG : fin (constraint_charge s outs x f)).
    { unfold charge in Fc. destruct (sub_fin _ _ Fc) as (_ & Fu & _). now destruct (add_fin _ _ Fu). }
    destruct (charge_covers FG) as (G0 & G & _). destruct (charge_le _ _ Fc G0) as (_ & _ & Hc). rewrite opp_V in Hc.
    pose proof rounded_constraint as Hr. pose proof (terms_form zeros Hz H0 FA) as Ht. fold L.
    assert (0 <= d * S) by (apply Rmult_le_pos; [numeric | apply S_nonnegative]). lra.
  Qed.
End Sound.

(* ---- A sum of constraints with positive factors *)

Section Combination.
  Variables (s : semantics) (outs : list int) (x : int -> float) (y : execution) (point : nat -> R) (total : nat).
  Variable l : list (fconstraint * float).

  (* each is implied by an exact constraint that holds at the point *)
  Hypothesis each_holds : forall m, In m l -> exists c, represents c (fst m) /\
    sum (fun t => Q2R (snd t) * value_of outs y point (fst t)) (left c) <= Q2R (right c).
  Hypothesis in_range : forall m t, In m l -> In t (fleft (fst m)) -> (idx (element_of outs (fst t)) < total)%nat.
  Hypothesis sizes : forall m t, In m l -> In t (fleft (fst m)) -> Rabs (y (idx (element_of outs (fst t)))) <= V (x (element_of outs (fst t))).
  Hypothesis feeding : forall m j t, In m l -> In (X j, t) (fleft (fst m)) -> y (idx (element_of outs (X j))) = fed s (point j).
  Hypothesis few : forall m, In m l -> INR (length (fleft (fst m))) <= 1048576.
  Hypothesis factors : forall m, In m l -> fin (snd m) /\ p2 (-400) <= V (snd m).
  Let terms := scaled_terms outs l.
  Let T := INR (length terms).
  Let k := INR (length l).
  Hypothesis few_terms : T <= 1000000.
  Hypothesis few_constraints : k <= T.

  Let mu (m : fconstraint * float) : R := V (snd m).
  Let Sm (m : fconstraint * float) : R := sum (fun t => Rabs (V (snd t)) * V (x (element_of outs (fst t)))) (fleft (fst m)).
  Let Qm (m : fconstraint * float) : R := sum (fun t => V (snd t) * y (idx (element_of outs (fst t)))) (fleft (fst m)).
  Let G (m : fconstraint * float) : float := constraint_charge s outs x (fst m).

  Lemma factor_positive : forall m, In m l -> 0 < mu m.
  Proof. intros m Hm. destruct (factors m Hm) as (_ & H). assert (0 < p2 (-400)) by apply bpow_gt_0. unfold mu. lra. Qed.

  (* the exact inequality of one constraint, in rounded numbers, and what its G has for the inputs *)
  Lemma one_constraint : forall m, In m l -> fin (G m) -> 0 <= V (G m) /\ 0 <= Sm m /\
    Qm m <= V (fright (fst m)) + 2 * d * Sm m + (1 - 1048600 * d) * V (G m).
  Proof.
    intros m Hm FG. destruct (each_holds m Hm) as (c & Hc & Hsat).
    pose proof (rounded_constraint s outs x y point c (fst m) Hc Hsat (fun t Ht => sizes m t Hm Ht) (fun j t Ht => feeding m j t Hm Ht)) as Hr.
    destruct (charge_covers s outs x y point c (fst m) Hc (fun t Ht => sizes m t Hm Ht) (fun j t Ht => feeding m j t Hm Ht) (few m Hm) FG) as (G0 & _ & HG).
    pose proof (S_nonnegative outs x y (fst m) (fun t Ht => sizes m t Hm Ht)) as HS.
    split; [exact G0 |]. split; [exact HS |]. unfold Qm. cbv beta in Hr.
    fold (Sm m) in HS, HG, Hr. set (g := V (constraint_charge s outs x (fst m))) in *. change (V (G m)) with g.
    match type of HG with (_ * ?z <= _) => set (Z := z) in * end.
    assert (HdS : 0 <= d * Sm m) by (apply Rmult_le_pos; numeric).
    assert (Hdg : 0 <= d * g) by (apply Rmult_le_pos; numeric).
    eapply Rle_trans; [exact Hr |]. clear Hr. numeric.
  Qed.

  Lemma scaled_term : forall t, In t terms -> exists m u, In m l /\ In u (fleft (fst m)) /\ t = (element_of outs (fst u), (snd m * snd u)%float).
  Proof.
    intros t Ht. unfold terms, scaled_terms in Ht. apply in_flat_map in Ht. destruct Ht as (m & Hm & Ht). apply in_map_iff in Ht.
    destruct Ht as (u & <- & Hu). now exists m, u.
  Qed.

  Let pairs := flat_map (fun m => map (fun u => (m, u)) (fleft (fst m))) l.
  Let term_of (p : (fconstraint * float) * (variable * float)) : int * float := (element_of outs (fst (snd p)), (snd (fst p) * snd (snd p))%float).
  Let exact_of (p : (fconstraint * float) * (variable * float)) : R := mu (fst p) * V (snd (snd p)).

  Lemma terms_pairs : terms = map term_of pairs.
  Proof. unfold terms, scaled_terms, pairs. clear. induction l as [| m l0 IH]; [reflexivity |]. cbn [flat_map]. rewrite map_app, map_map, IH. reflexivity. Qed.

  Lemma pair_in : forall p, In p pairs -> In (fst p) l /\ In (snd p) (fleft (fst (fst p))).
  Proof.
    intros p Hp. unfold pairs in Hp. apply in_flat_map in Hp. destruct Hp as (m & Hm & Hp). apply in_map_iff in Hp. destruct Hp as (u & <- & Hu). now split.
  Qed.

  Lemma tiny_against_term : forall p, In p pairs -> 4 * w <= / 1000 * d * Rabs (exact_of p).
  Proof.
    intros p Hp. destruct (pair_in p Hp) as (Hm & Hu). destruct (each_holds _ Hm) as (c & Hc & _). destruct (coefficient_size c _ Hc _ Hu) as (_ & Hb).
    destruct (factors _ Hm) as (_ & Hf). pose proof (factor_positive _ Hm) as Hpos. unfold exact_of. rewrite Rabs_mult, (Rabs_pos_eq (mu (fst p))) by lra.
    assert (Hprod : p2 (-400) * p2 (-500) <= mu (fst p) * Rabs (V (snd (snd p)))) by (apply Rmult_le_compat; try apply bpow_ge_0; assumption).
    assert (w <= d * d * (p2 (-400) * p2 (-500))) by (rewrite d_value, <- !bpow_plus; apply w_bpow; lia).
    pose proof w_positive.
    assert (d * d * (p2 (-400) * p2 (-500)) <= d * d * (mu (fst p) * Rabs (V (snd (snd p))))) by (apply Rmult_le_compat_l; [numeric | exact Hprod]).
    numeric.
  Qed.

  Let Ssum := sum (fun m => mu m * Sm m) l.

  Lemma Ssum_pairs : Ssum = sum (fun p => Rabs (exact_of p) * V (x (element_of outs (fst (snd p))))) pairs.
  Proof.
    unfold Ssum, pairs. rewrite sum_flat_map. apply sum_ext. intros m Hm. rewrite sum_map. unfold Sm. rewrite <- sum_scale. apply sum_ext. intros u _.
    unfold exact_of. cbn [fst snd]. rewrite Rabs_mult, (Rabs_pos_eq (mu m)) by (pose proof (factor_positive m Hm); lra). ring.
  Qed.

  Lemma pair_size : forall p, In p pairs -> Rabs (y (idx (element_of outs (fst (snd p))))) <= V (x (element_of outs (fst (snd p)))).
  Proof. intros p Hp. destruct (pair_in p Hp) as (Hm & Hu). now apply (sizes (fst p) (snd p)). Qed.

  Lemma combined_terms_form : forall zeros, size zeros = total -> (forall i, nat_at zeros i = 0%float) ->
    (forall i, (i < total)%nat -> fin (nat_at (add_terms terms zeros) i)) ->
    form (add_terms terms zeros) total y <= sum (fun m => mu m * Qm m) l + ((T + 1) * (4001 / 4000) + / 1000) * d * Ssum.
  Proof.
    intros zeros Hz H0 Hf. unfold form. pose proof w_positive as Hw. pose proof (pos_INR (length terms)) as HT0. fold T in HT0.
    assert (HL : forall t, In t terms -> (idx (fst t) < total)%nat).
    { intros t Ht. destruct (scaled_term t Ht) as (m & u & Hm & Hu & ->). now apply (in_range m u). }
    assert (HQ : sum (fun m => mu m * Qm m) l = sum (fun p => exact_of p * y (idx (element_of outs (fst (snd p))))) pairs).
    { unfold pairs. rewrite sum_flat_map. apply sum_ext. intros m _. rewrite sum_map. unfold Qm. rewrite <- sum_scale. apply sum_ext. intros u _. unfold exact_of. cbn [fst snd]. ring. }
    assert (HS : sum (fun p => Rabs (exact_of p) * Rabs (y (idx (element_of outs (fst (snd p)))))) pairs <= Ssum).
    { rewrite Ssum_pairs. apply sum_le. intros p Hp. apply Rmult_le_compat_l; [apply Rabs_pos | now apply pair_size]. }
    (* by columns, on the level of pairs *)
    assert (Hcol : forall (g : (fconstraint * float) * (variable * float) -> R) (z : nat -> R) L n, (forall p, In p L -> (idx (fst (term_of p)) < n)%nat) ->
      sum (fun i => sum g (filter (fun p => at_index i (term_of p)) L) * z i) (seq 0 n) = sum (fun p => g p * z (idx (fst (term_of p)))) L).
    { clear. intros g z L n. induction L as [| p L IH]; intros HL.
      - rewrite (sum_ext _ _ (fun _ => 0)) by (intros; unfold sum; simpl; ring). apply sum_zero.
      - change (sum (fun p0 => g p0 * z (idx (fst (term_of p0)))) (p :: L)) with (g p * z (idx (fst (term_of p))) + sum (fun p0 => g p0 * z (idx (fst (term_of p0)))) L).
        rewrite <- IH by (intros; apply HL; now right).
        rewrite (sum_ext _ _ (fun i => sum (fun t => if at_index i t then g p else 0) [term_of p] * z i + sum g (filter (fun p0 => at_index i (term_of p0)) L) * z i)).
        2:{ intros i _. cbn [filter]. unfold sum at 2. cbn [fold_right]. destruct (at_index i (term_of p)); [change (sum g (p :: ?m)) with (g p + sum g m) |]; ring. }
        rewrite sum_plus. f_equal. pose proof (sum_by_index (fun _ => g p) z n [term_of p]) as Hs.
        transitivity (sum (fun i => sum (fun _ : int * float => g p) (filter (at_index i) [term_of p]) * z i) (seq 0 n)).
        + apply sum_ext. intros i _. cbn [filter]. destruct (at_index i (term_of p)) eqn:E; unfold sum; cbn [fold_right]; rewrite ?E; ring.
        + rewrite Hs; [unfold sum; cbn [fold_right]; ring |]. intros t [<- | []]. apply HL. now left. }
    assert (HLp : forall p, In p pairs -> (idx (fst (term_of p)) < total)%nat).
    { intros p Hp. apply HL. rewrite terms_pairs. now apply in_map. }
    rewrite HQ. change (fun p => exact_of p * y (idx (element_of outs (fst (snd p))))) with (fun p => exact_of p * y (idx (fst (term_of p)))).
    rewrite <- (Hcol exact_of y pairs total HLp).
    assert (HS' : sum (fun i => sum (fun p => Rabs (exact_of p)) (filter (fun p => at_index i (term_of p)) pairs) * Rabs (y i)) (seq 0 total) <= Ssum).
    { rewrite (Hcol (fun p => Rabs (exact_of p)) (fun i => Rabs (y i)) pairs total HLp). exact HS. }
    apply Rle_trans with (sum (fun i => sum exact_of (filter (fun p => at_index i (term_of p)) pairs) * y i
      + ((T + 1) * (4001 / 4000) + / 1000) * d * (sum (fun p => Rabs (exact_of p)) (filter (fun p => at_index i (term_of p)) pairs) * Rabs (y i))) (seq 0 total)).
    2:{ rewrite sum_plus, sum_scale. apply Rplus_le_compat_l. apply Rmult_le_compat_l; [numeric | exact HS']. }
    apply sum_le. intros i Hi. apply in_seq in Hi. specialize (Hf i ltac:(lia)).
    rewrite add_terms_column in * by (rewrite ?Hz; auto; lia). rewrite H0 in *.
    assert (Hfs : fsum snd (filter (at_index i) terms) 0 = fsum (fun p => snd (term_of p)) (filter (fun p => at_index i (term_of p)) pairs) 0).
    { rewrite terms_pairs. generalize pairs as L. generalize 0%float as z. clear. intros z L. revert z. induction L as [| p L IH]; intros z; [reflexivity |].
      cbn [map filter]. destruct (at_index i (term_of p)); [|apply IH].
      change (fsum snd (term_of p :: ?q) z) with (fsum snd q (z + snd (term_of p))%float).
      change (fsum (fun p0 => snd (term_of p0)) (p :: ?q) z) with (fsum (fun p0 => snd (term_of p0)) q (z + snd (term_of p))%float). apply IH. }
    rewrite Hfs in *. set (li := filter (fun p => at_index i (term_of p)) pairs) in *.
    assert (Hli : INR (length li) <= T).
    { apply le_INR. unfold li. eapply Nat.le_trans; [apply filter_length_le |]. rewrite terms_pairs, map_length. apply Nat.le_refl. }
    pose proof (pos_INR (length li)) as Hl0.
    destruct (fsum_error _ (fun p => snd (term_of p)) exact_of li 0%float) as (_ & _ & E); [lra | | exact Hf |].
    { intros p _ F. unfold term_of in *. cbn [snd] in *. now destruct (mul_V _ _ F) as (_ & _ & E). }
    rewrite V_0, Rabs_R0, !Rplus_0_l in E.
    assert (Hw4 : 4 * INR (length li) * w <= / 1000 * d * sum (fun p => Rabs (exact_of p)) li).
    { assert (Gen : forall L, (forall p, In p L -> In p pairs) -> 4 * INR (length L) * w <= / 1000 * d * sum (fun p => Rabs (exact_of p)) L).
      { induction L as [| p L IH]; intros HinL; [unfold sum; simpl; lra |]. cbn [length]. rewrite S_INR.
        change (sum ?h (p :: L)) with (h p + sum h L). cbv beta.
        specialize (IH (fun p0 Hp0 => HinL p0 (or_intror Hp0))). pose proof (tiny_against_term p (HinL p (or_introl eq_refl))). lra. }
      apply Gen. intros p Hp. now apply filter_In in Hp. }
    set (Tm := sum (fun p => Rabs (exact_of p)) li) in *.
    assert (HT : 0 <= Tm) by (apply sum_nonnegative; intros; apply Rabs_pos).
    set (v := V (fsum (fun p => snd (term_of p)) li 0)) in *. set (e := sum exact_of li) in *.
    assert (E' : Rabs (v - e) <= ((T + 1) * (4001 / 4000) + / 1000) * d * Tm).
    { assert ((INR (length li) + 1) * d * (4001 / 4000) * Tm <= (T + 1) * d * (4001 / 4000) * Tm) by (apply Rmult_le_compat_r; [exact HT | numeric]).
      lra. }
    replace (v * y i) with (e * y i + (v - e) * y i) by ring. apply Rplus_le_compat_l.
    eapply Rle_trans; [apply Rle_abs |]. rewrite Rabs_mult, <- Rmult_assoc. apply Rmult_le_compat_r; [apply Rabs_pos | exact E'].
  Qed.

  Theorem combination_form_sound : forall zeros cc A, size zeros = total -> (forall i, nat_at zeros i = 0%float) ->
    combination_form s outs x l zeros = (cc, A) -> fin cc -> (forall i, (i < total)%nat -> fin (nat_at A i)) ->
    size A = total /\ V cc + form A total y <= tauR / 4.
  Proof.
    intros zeros cc A Hz H0 H Fc FA. unfold combination_form in H. fold terms in H. apply pair_equal_spec in H. destruct H as (<- & <-).
    split; [rewrite size_add_terms; exact Hz |].
    pose proof w_positive as Hw. pose proof tau_w as Htw. pose proof tau_positive as Htp.
    pose proof (pos_INR (length terms)) as HT0. fold T in HT0. pose proof (pos_INR (length l)) as Hk0. fold k in Hk0.
    set (c0 := fsum (fun m => snd m * - fright (fst m))%float l 0) in *.
    set (sz := fsum (fun t => abs (snd t) * x (fst t))%float terms 0) in *.
    set (rt := fsum (fun m => abs (snd m * fright (fst m)))%float l 0) in *.
    set (g := fsum (fun m => snd m * constraint_charge s outs x (fst m))%float l 0) in *.
    set (p := ((float_of_nat (length terms) + 4) * (4 * U) * (sz + rt))%float) in *.
    assert (Ft : fin (g + p)%float) by (unfold charge in Fc; destruct (sub_fin _ _ Fc) as (_ & Fu & _); now destruct (add_fin _ _ Fu)).
    assert (Fc0 : fin c0) by (unfold charge in Fc; now destruct (sub_fin _ _ Fc)).
    destruct (add_fin _ _ Ft) as (Fg & Fp & _). unfold p in Fp. destruct (mul_fin _ _ Fp) as (Ff & Fsr & _). destruct (add_fin _ _ Fsr) as (Fsz & Frt & _).
    (* the sums *)
    assert (FinG : forall m, In m l -> fin (snd m * G m)%float).
    { destruct (fsum_error_power _ (fun m => snd m * G m)%float (fun m => mu m * V (G m)) l 0%float) as (_ & F & _); [| exact Fg | exact F].
      intros m _ F. now destruct (mul_V _ _ F) as (_ & _ & E). }
    assert (HG : forall m, In m l -> 0 <= V (G m) /\ 0 <= Sm m /\ Qm m <= V (fright (fst m)) + 2 * d * Sm m + (1 - 1048600 * d) * V (G m)).
    { intros m Hm. apply one_constraint; [exact Hm |]. now destruct (mul_fin _ _ (FinG m Hm)) as (_ & F & _). }
    assert (Hmu : forall m, In m l -> 0 <= mu m) by (intros m Hm; pose proof (factor_positive m Hm); lra).
    destruct (fsum_pos _ (fun m => snd m * G m)%float (fun m => mu m * V (G m)) l 0%float) as (Pg & _); [fold k; lra | rewrite V_0; lra | | | exact Fg |].
    { intros m Hm. apply Rmult_le_pos; [auto | now apply HG]. }
    { intros m _ F. now destruct (mul_V _ _ F) as (_ & _ & E). }
    change (fsum (fun m => snd m * G m)%float l 0) with g in Pg. rewrite V_0, Rplus_0_l in Pg. fold k in Pg.
    destruct (fsum_error _ (fun m => snd m * - fright (fst m))%float (fun m => mu m * - V (fright (fst m))) l 0%float) as (_ & _ & Ec); [fold k; lra | | exact Fc0 |].
    { intros m _ F. destruct (mul_V _ _ F) as (_ & _ & E). now rewrite opp_V in E. }
    change (fsum (fun m => snd m * - fright (fst m))%float l 0) with c0 in Ec. rewrite V_0, Rabs_R0, !Rplus_0_l in Ec. fold k in Ec.
    set (Rm := sum (fun m => mu m * Rabs (V (fright (fst m)))) l).
    replace (sum (fun m => Rabs (mu m * - V (fright (fst m)))) l) with Rm in Ec.
    2:{ apply sum_ext. intros m Hm. rewrite Rabs_mult, Rabs_Ropp, (Rabs_pos_eq (mu m)) by auto. reflexivity. }
    assert (HRm : 0 <= Rm) by (apply sum_nonnegative; intros m Hm; apply Rmult_le_pos; [auto | apply Rabs_pos]).
    set (Gs := sum (fun m => mu m * V (G m)) l) in *.
    assert (HGs : 0 <= Gs) by (apply sum_nonnegative; intros m Hm; apply Rmult_le_pos; [auto | now apply HG]).
    assert (HSs : 0 <= Ssum) by (apply sum_nonnegative; intros m Hm; apply Rmult_le_pos; [auto | now apply HG]).
    (* the exact side *)
    assert (HQ : sum (fun m => mu m * Qm m) l <= - sum (fun m => mu m * - V (fright (fst m))) l + 2 * d * Ssum + (1 - 1048600 * d) * Gs).
    { replace (- sum (fun m => mu m * - V (fright (fst m))) l) with (sum (fun m => mu m * V (fright (fst m))) l).
      2:{ rewrite <- (Rmult_1_l (sum (fun m => mu m * - V (fright (fst m))) l)), Ropp_mult_distr_l, <- sum_scale. apply sum_ext. intros; ring. }
      unfold Ssum, Gs. rewrite <- !sum_scale, <- !sum_plus. apply sum_le. intros m Hm. destruct (HG m Hm) as (_ & _ & Hq). pose proof (Hmu m Hm).
      assert (mu m * Qm m <= mu m * (V (fright (fst m)) + 2 * d * Sm m + (1 - 1048600 * d) * V (G m))) by (apply Rmult_le_compat_l; assumption). lra. }
    (* sizes of terms and of right sides, as summed *)
    assert (Hxp : forall q0, In q0 pairs -> 0 <= V (x (element_of outs (fst (snd q0))))).
    { intros q0 Hq. pose proof (pair_size q0 Hq). pose proof (Rabs_pos (y (idx (element_of outs (fst (snd q0)))))). lra. }
    assert (Hsz' : sz = fsum (fun q0 => abs (snd (term_of q0)) * x (fst (term_of q0)))%float pairs 0).
    { unfold sz. rewrite terms_pairs. generalize pairs as L. generalize 0%float as z. clear. intros z L. revert z. induction L as [| q0 L IH]; intros z; [reflexivity |]. apply IH. }
    assert (HLp : INR (length pairs) = T) by (unfold T; now rewrite terms_pairs, map_length).
    rewrite Hsz' in Fsz.
    assert (FinT : forall q0, In q0 pairs -> fin (abs (snd (term_of q0)) * x (fst (term_of q0)))%float).
    { destruct (fsum_error_power _ (fun q0 => abs (snd (term_of q0)) * x (fst (term_of q0)))%float (fun q0 => Rabs (V (snd (term_of q0))) * V (x (fst (term_of q0)))) pairs 0%float)
        as (_ & F & _); [| exact Fsz | exact F]. intros q0 _ F. destruct (mul_V _ _ F) as (_ & _ & E). now rewrite abs_V in E. }
    destruct (fsum_pos _ (fun q0 => abs (snd (term_of q0)) * x (fst (term_of q0)))%float (fun q0 => Rabs (V (snd (term_of q0))) * V (x (fst (term_of q0)))) pairs 0%float)
      as (Psz & _); [rewrite HLp; lra | rewrite V_0; lra | | | exact Fsz |].
    { intros q0 Hq. apply Rmult_le_pos; [apply Rabs_pos | now apply Hxp]. }
    { intros q0 _ F. destruct (mul_V _ _ F) as (_ & _ & E). now rewrite abs_V in E. }
    rewrite <- Hsz', V_0, Rplus_0_l, HLp in Psz.
    assert (HSt : (1 - 2 * d) * Ssum <= sum (fun q0 => Rabs (V (snd (term_of q0))) * V (x (fst (term_of q0)))) pairs).
    { rewrite Ssum_pairs, <- sum_scale. apply sum_le. intros q0 Hq. change (fst (term_of q0)) with (element_of outs (fst (snd q0))).
      rewrite <- Rmult_assoc. apply Rmult_le_compat_r; [now apply Hxp |].
      destruct (mul_fin _ _ (FinT q0 Hq)) as (Fa & _ & _). apply (proj1 (abs_fin _)) in Fa. unfold term_of in *. cbn [snd] in *.
      destruct (mul_V _ _ Fa) as (_ & _ & E). fold (mu (fst q0)) in E. fold (exact_of q0) in E. pose proof (tiny_against_term q0 Hq) as Htiny.
      assert (Rabs (exact_of q0) <= Rabs (V (snd (fst q0) * snd (snd q0))%float) + Rabs (V (snd (fst q0) * snd (snd q0))%float - exact_of q0)).
      { replace (exact_of q0) with (V (snd (fst q0) * snd (snd q0))%float - (V (snd (fst q0) * snd (snd q0))%float - exact_of q0)) at 1 by ring. apply Rabs_minus_le. }
      pose proof (Rabs_pos (exact_of q0)). numeric. }
    destruct (fsum_pos _ (fun m => abs (snd m * fright (fst m)))%float (fun m => Rabs (V (snd m * fright (fst m))%float)) l 0%float) as (Prt & _);
      [fold k; lra | rewrite V_0; lra | intros; apply Rabs_pos | | exact Frt |].
    { intros m _ F. rewrite abs_V. replace (Rabs (V (snd m * fright (fst m))%float) - Rabs (V (snd m * fright (fst m))%float)) with 0 by ring. rewrite Rabs_R0.
      pose proof (Rabs_pos (Rabs (V (snd m * fright (fst m))%float))). numeric. }
    change (fsum (fun m => abs (snd m * fright (fst m)))%float l 0) with rt in Prt. rewrite V_0, Rplus_0_l in Prt. fold k in Prt.
    assert (Finr : forall m, In m l -> fin (abs (snd m * fright (fst m)))%float).
    { destruct (fsum_error_power _ (fun m => abs (snd m * fright (fst m)))%float (fun m => Rabs (V (snd m * fright (fst m))%float)) l 0%float) as (_ & F & _); [| exact Frt | exact F].
      intros m _ F. rewrite abs_V. replace (Rabs (V (snd m * fright (fst m))%float) - Rabs (V (snd m * fright (fst m))%float)) with 0 by ring. rewrite Rabs_R0.
      pose proof (Rabs_pos (Rabs (V (snd m * fright (fst m))%float))). numeric. }
    assert (HRt : (1 - 2 * d) * Rm - 2 * k * w <= sum (fun m => Rabs (V (snd m * fright (fst m))%float)) l).
    { replace (2 * k * w) with (sum (fun _ : fconstraint * float => 2 * w) l) by (rewrite sum_constant; unfold k; ring).
      assert (Gen : forall L, (forall m, In m L -> In m l) -> (1 - 2 * d) * sum (fun m => mu m * Rabs (V (fright (fst m)))) L - sum (fun _ => 2 * w) L <= sum (fun m => Rabs (V (snd m * fright (fst m))%float)) L).
      { induction L as [| m L IH]; intros HinL; [unfold sum; simpl; lra |]. change (sum ?h (m :: L)) with (h m + sum h L). cbv beta.
        specialize (IH (fun m0 Hm0 => HinL m0 (or_intror Hm0))). assert (Hm : In m l) by (apply HinL; now left).
        pose proof (Finr m Hm) as Fa. apply (proj1 (abs_fin _)) in Fa. destruct (mul_V _ _ Fa) as (_ & _ & E). fold (mu m) in E.
        rewrite (Rabs_mult (mu m)), (Rabs_pos_eq (mu m)) in E by auto.
        assert (mu m * Rabs (V (fright (fst m))) <= Rabs (V (snd m * fright (fst m))%float) + Rabs (V (snd m * fright (fst m))%float - mu m * V (fright (fst m)))).
        { replace (mu m * Rabs (V (fright (fst m)))) with (Rabs (mu m * V (fright (fst m)))) by (rewrite Rabs_mult, (Rabs_pos_eq (mu m)) by auto; reflexivity).
          replace (mu m * V (fright (fst m))) with (V (snd m * fright (fst m))%float - (V (snd m * fright (fst m))%float - mu m * V (fright (fst m)))) at 1 by ring. apply Rabs_minus_le. }
        assert (0 <= mu m * Rabs (V (fright (fst m)))) by (apply Rmult_le_pos; [auto | apply Rabs_pos]).
        numeric. }
      apply Gen. auto. }
    (* the charge *)
    assert (P1 : 0 <= V sz).
    { rewrite Hsz'. apply fsum_sign; [exact Fsz | rewrite V_0; lra |]. intros q0 Hq F. apply mul_sign; auto; [rewrite abs_V; apply Rabs_pos | now apply Hxp]. }
    assert (P2 : 0 <= V rt) by (apply fsum_sign; [exact Frt | rewrite V_0; lra |]; intros; rewrite abs_V; apply Rabs_pos).
    destruct (add_pos _ _ Fsr) as (_ & _ & (Esr & _)); auto. assert (P3 := add_sign _ _ Fsr P1 P2).
    assert (HlenZ : (Z.of_nat (length terms) <= 2 ^ 53)%Z).
    { apply le_IZR. rewrite <- INR_IZR_INZ. fold T. change (IZR (2 ^ 53)) with 9007199254740992. lra. }
    destruct (float_of_nat_V _ HlenZ) as (_ & VT). fold T in VT.
    destruct (mul_fin _ _ Ff) as (Ff4 & _ & _).
    assert (V4 : V 4 = 4) by (literal_V 4%float; simpl; lra).
    destruct (add_pos _ _ Ff4) as (_ & _ & (E4 & _)); [rewrite VT; lra | rewrite V4; lra |]. rewrite VT, V4 in E4.
    assert (P4 : 0 <= V (float_of_nat (length terms) + 4)%float) by (apply add_sign; auto; [rewrite VT | rewrite V4]; lra).
    destruct (mul_pos _ _ Ff) as (_ & _ & (Ef & _)); [exact P4 | rewrite V_4U; numeric |]. rewrite V_4U in Ef.
    assert (P5 : 0 <= V ((float_of_nat (length terms) + 4) * (4 * U))%float) by (apply mul_sign; auto; rewrite V_4U; numeric).
    destruct (mul_pos _ _ Fp) as (_ & _ & (Ep & _)); [exact P5 | exact P3 |]. change (V ((float_of_nat (length terms) + 4) * (4 * U) * (sz + rt))%float) with (V p) in Ep.
    assert (P6 : 0 <= V p) by (unfold p; apply mul_sign; auto).
    assert (P7 : 0 <= V g) by (apply fsum_sign; [exact Fg | rewrite V_0; lra |]; intros m Hm F; apply mul_sign; auto; [now apply Hmu | now apply HG]).
    destruct (add_pos _ _ Ft) as (_ & _ & (Et & _)); auto. assert (P8 := add_sign _ _ Ft P7 P6).
    destruct (charge_le _ _ Fc P8) as (_ & _ & Hc).
    pose proof (combined_terms_form zeros Hz H0 FA) as Hform.
    set (fm := V ((float_of_nat (length terms) + 4) * (4 * U))%float) in *. set (sr := V (sz + rt)%float) in *.
    assert (Hwd : w <= d * d) by (pose proof tau_tiny; numeric).
    assert (Hfm : (T + 4) * (8 * d) * (1 - 3 * d) <= fm) by numeric.
    assert (HkR : (k + 1) * d * (4001 / 4000) * Rm <= (T + 1) * d * (4001 / 4000) * Rm) by (apply Rmult_le_compat_r; [exact HRm | numeric]).
    assert (HTS : (T + 1) * d * (4001 / 4000) * sum (fun q0 => Rabs (V (snd (term_of q0))) * V (x (fst (term_of q0)))) pairs
                  <= / 1000 * sum (fun q0 => Rabs (V (snd (term_of q0))) * V (x (fst (term_of q0)))) pairs).
    { apply Rmult_le_compat_r; [| numeric]. apply sum_nonnegative. intros q0 Hq. apply Rmult_le_pos; [apply Rabs_pos | now apply Hxp]. }
    assert (HkRt : (k + 1) * d * (4001 / 4000) * sum (fun m => Rabs (V (snd m * fright (fst m))%float)) l <= / 1000 * sum (fun m => Rabs (V (snd m * fright (fst m))%float)) l).
    { apply Rmult_le_compat_r; [| numeric]. apply sum_nonnegative. intros; apply Rabs_pos. }
    assert (HkG : (k + 1) * d * (4001 / 4000) * Gs <= 1000300 * d * Gs) by (apply Rmult_le_compat_r; [exact HGs | numeric]).
    assert (HTw : T * w <= 1000000 * w) by (apply Rmult_le_compat_r; lra).
    assert (Hkw : k * w <= 1000000 * w) by (apply Rmult_le_compat_r; lra).
    assert (HTw0 : 0 <= T * w) by (apply Rmult_le_pos; lra). assert (Hkw0 : 0 <= k * w) by (apply Rmult_le_pos; lra).
    set (Z := Ssum + Rm) in *.
    assert (Hsr : (1 - / 100) * Z - 20000000 * w <= sr) by (unfold Z; numeric).
    assert (HZ : 0 <= Z) by (unfold Z; lra).
    assert (Hp1 : fm * ((1 - / 100) * Z - 20000000 * w) <= fm * sr) by (apply Rmult_le_compat_l; assumption).
    destruct (mul_pos _ _ Ff) as (_ & _ & (_ & Efu)); [exact P4 | rewrite V_4U; numeric |]. rewrite V_4U in Efu.
    destruct (add_pos _ _ Ff4) as (_ & _ & (_ & E4u)); [rewrite VT; lra | rewrite V4; lra |]. rewrite VT, V4 in E4u. fold fm in Efu.
    assert (Hfm1 : fm <= 1) by numeric.
    assert (Hp2 : fm * (20000000 * w) <= 1 * (20000000 * w)) by (apply Rmult_le_compat_r; lra).
    assert (Hp3 : (T + 4) * (8 * d) * (1 - 3 * d) * ((1 - / 100) * Z) <= fm * ((1 - / 100) * Z)) by (apply Rmult_le_compat_r; lra).
    assert (HTZ : 0 <= T * Z) by (apply Rmult_le_pos; lra).
    assert (HTSs : 0 <= T * Ssum <= T * Z) by (split; [apply Rmult_le_pos; lra | apply Rmult_le_compat_l; unfold Z; lra]).
    assert (HTRm : T * Rm = T * Z - T * Ssum) by (unfold Z; ring).
    assert (HRmZ : Rm = Z - Ssum) by (unfold Z; ring).
    assert (HSZ : Ssum <= Z) by (unfold Z; lra).
    apply Rabs_le_inv in Ec.
    clear - Hc Hform HQ Ec Pg HkG Et Ep Hp1 Hp2 Hp3 HTZ HTSs HTRm HRmZ HSZ HkR HZ HTw Hkw HTw0 Hkw0 Hw Htw Htp HGs HSs HRm P6 P7 HT0.
    rewrite HRmZ in *. numeric.
  Qed.
End Combination.

(* ---- CLIP *)

(* The end of input j that a refuted part leaves: an upper one when a > 0, else a lower one. *)
Definition clip_end (a e bound : float) : float * float :=
  let m := (a * e)%float in
  let x := ((m - bound) / a)%float in
  let r := (((abs m + abs bound) / abs a) * 0x1p-50)%float in
  if is_finite x && is_finite a then if (0 <? a)%float then (nan, upper x r) else (lower x r, nan) else (nan, nan).

Lemma clip_end_sound : forall a e bound (z : R),
  V a * z <= V a * V e - V bound - tauR / 4 -> fin e ->
  (fin (fst (clip_end a e bound)) -> V (fst (clip_end a e bound)) <= z) /\
  (fin (snd (clip_end a e bound)) -> z <= V (snd (clip_end a e bound))).
Proof.
  intros a e bound z Hz Fe. unfold clip_end.
  set (m := (a * e)%float). set (x := ((m - bound) / a)%float). set (r := ((abs m + abs bound) / abs a * 0x1p-50)%float).
  destruct (is_finite x && is_finite a) eqn:Hf; [| split; intros F; now apply nan_not_fin in F].
  apply andb_prop in Hf. destruct Hf as (Fx & Fa). apply finite_is_finite in Fx, Fa.
  pose proof w_positive as Hw. pose proof tau_w as Htw. pose proof tau_positive as Htp.
  destruct (div_fin _ _ Fx Fa) as (Fn & Ha & Vx). destruct (sub_V _ _ Fn) as (Fm & Fb & En & _).
  destruct (mul_V _ _ Fm) as (_ & _ & Em). fold m in Em.
  assert (Ex : Rabs (V x - V (m - bound)%float / V a) <= d * Rabs (V (m - bound)%float / V a) + w).
  { unfold x. rewrite Vx. apply rnd_error. }
  set (M := V m) in *. set (B := V bound) in *. set (nn := V (m - bound)%float) in *. set (A := V a) in *. set (E := V e) in *.
  set (ia := / Rabs A). assert (HA : 0 < Rabs A) by now apply Rabs_pos_lt.
  assert (Hia : 0 < ia) by now apply Rinv_0_lt_compat.
  assert (Hia1 : ia * Rabs A = 1) by (apply Rinv_l; lra).
  pose proof (Rabs_pos M) as PM. pose proof (Rabs_pos B) as PB.
  (* the exact end against the computed one, before division *)
  assert (Hm : Rabs (M - A * E) <= (101 / 100) * d * Rabs M + (11 / 10) * w).
  { assert (Rabs (A * E) <= Rabs M + Rabs (M - A * E)).
    { replace (A * E) with (M - (M - A * E)) at 1 by ring. apply Rabs_minus_le. }
    numeric. }
  assert (Hn : Rabs (nn - (M - B)) <= d * (Rabs M + Rabs B)).
  { eapply Rle_trans; [exact En |]. apply Rmult_le_compat_l; [numeric | apply Rabs_minus_le]. }
  assert (Haz : A * z <= nn + (202 / 100) * d * (Rabs M + Rabs B)).
  { apply Rabs_le_inv in Hm. apply Rabs_le_inv in Hn. numeric. }
  assert (Hd : fin r -> (79 / 10) * d * ((Rabs M + Rabs B) * ia) <= V r + 10 * w).
  { intros Fr. unfold r in Fr |- *. destruct (mul_fin _ _ Fr) as (Fq & _ & _).
    assert (Faa : fin (abs a)) by now apply abs_fin. destruct (div_fin _ _ Fq Faa) as (Fs & _ & Vq).
    destruct (add_pos _ _ Fs) as (_ & _ & (Es & _)); [rewrite abs_V; apply Rabs_pos | rewrite abs_V; apply Rabs_pos |]. rewrite !abs_V in Es.
    fold M B in Es. set (sm := V (abs m + abs bound)%float) in *.
    assert (Psm : 0 <= sm) by numeric.
    assert (Eq : Rabs (V ((abs m + abs bound) / abs a)%float - sm * ia) <= d * Rabs (sm * ia) + w).
    { rewrite Vq, abs_V. apply rnd_error. }
    assert (Psi : 0 <= sm * ia) by (apply Rmult_le_pos; lra). rewrite (Rabs_pos_eq _ Psi) in Eq. apply Rabs_le_inv in Eq.
    assert (Pq : 0 <= V ((abs m + abs bound) / abs a)%float).
    { rewrite Vq, abs_V, <- rnd_0. apply rnd_le. exact Psi. }
    destruct (mul_pos _ _ Fr) as (_ & _ & (Er & _)); [exact Pq | rewrite V_50; numeric |]. rewrite V_50 in Er.
    assert (Hsi : (1 - d) * (Rabs M + Rabs B) * ia <= sm * ia) by (apply Rmult_le_compat_r; lra).
    assert (0 <= (Rabs M + Rabs B) * ia) by (apply Rmult_le_pos; lra).
    set (q0 := (Rabs M + Rabs B) * ia) in *. assert (Hsi' : (1 - d) * q0 <= sm * ia) by (unfold q0; lra). numeric. }
  assert (Pr : fin r -> 0 <= V r).
  { intros Fr. unfold r in Fr |- *. destruct (mul_fin _ _ Fr) as (Fq & _ & _). apply mul_sign; [exact Fr | | rewrite V_50; numeric].
    assert (Faa : fin (abs a)) by now apply abs_fin. destruct (div_fin _ _ Fq Faa) as (Fs & _ & Vq). rewrite Vq, abs_V, <- rnd_0. apply rnd_le.
    apply Rmult_le_pos; [apply add_sign; [exact Fs | |]; rewrite abs_V; apply Rabs_pos | change (0 <= ia); lra]. }
  pose proof (Rabs_pos (V x)) as Px.
  assert (Hquot : Rabs (nn / A) <= (101 / 100) * Rabs (V x) + (11 / 10) * w).
  { assert (Rabs (nn / A) <= Rabs (V x) + Rabs (V x - nn / A)).
    { replace (nn / A) with (V x - (V x - nn / A)) at 1 by ring. apply Rabs_minus_le. }
    numeric. }
  set (q0 := (Rabs M + Rabs B) * ia) in *.
  assert (Hq0 : 0 <= q0) by (apply Rmult_le_pos; lra).
  destruct (0 <? a)%float eqn:Hs; cbn [fst snd].
  - split; [intros F; now apply nan_not_fin in F |]. intros F. apply ltb_V in Hs; auto using fin_0. rewrite V_0 in Hs. fold A in Hs.
    assert (Fr : fin r). { unfold upper in F. destruct (add_fin _ _ F) as (_ & Ft & _). destruct (add_fin _ _ Ft) as (Ft' & _). now destruct (add_fin _ _ Ft'). }
    destruct (upper_V _ _ F (Pr Fr)) as (_ & _ & Hu). specialize (Hd Fr).
    assert (HiA : ia = / A) by (unfold ia; rewrite Rabs_pos_eq by lra; reflexivity).
    assert (Hzz : z <= nn / A + (202 / 100) * d * q0).
    { apply Rmult_le_reg_l with A; [exact Hs |]. replace (A * (nn / A + 202 / 100 * d * q0)) with (nn + 202 / 100 * d * (Rabs M + Rabs B)).
      - exact Haz.
      - unfold q0. rewrite HiA. field. lra. }
    apply Rabs_le_inv in Ex. pose proof (Pr Fr). assert (0 <= d * V r) by (apply Rmult_le_pos; numeric). numeric.
  - split; [| intros F; now apply nan_not_fin in F]. intros F. apply ltb_false in Hs; auto using fin_0. rewrite V_0 in Hs. fold A in Hs.
    assert (Hneg : A < 0) by lra.
    assert (Fr : fin r). { unfold lower in F. destruct (sub_fin _ _ F) as (_ & Ft & _). destruct (add_fin _ _ Ft) as (Ft' & _). now destruct (add_fin _ _ Ft'). }
    destruct (lower_V _ _ F (Pr Fr)) as (_ & _ & Hu). specialize (Hd Fr).
    assert (HiA : ia = - / A) by (unfold ia; rewrite Rabs_left by lra; field; lra).
    assert (Hzz : nn / A - (202 / 100) * d * q0 <= z).
    { apply Rmult_le_reg_l with (- A); [lra |]. replace (- A * (nn / A - 202 / 100 * d * q0)) with (- (nn + 202 / 100 * d * (Rabs M + Rabs B))).
      - lra.
      - unfold q0. rewrite HiA. field. lra. }
    apply Rabs_le_inv in Ex. pose proof (Pr Fr). assert (0 <= d * V r) by (apply Rmult_le_pos; numeric). numeric.
Qed.
