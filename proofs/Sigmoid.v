(* Lines and bounds of sigmoid and tanh (spec/certificate.md section 6).

   Between the points of a list sigma stays within delta of the line through two
   neighbours, so a line below every point, lowered by delta, is below sigma: whatever
   its slope is. The tests inside the definitions (points cover the interval, slopes
   are at most 1, numbers are finite) never fail; they stand for a proof of that.

   Relies on Logistic, Lines. *)
From Flocq Require Import Core Mult_error.
From Coq Require Import ZArith Reals List Lra Lia Psatz Floats Uint63.
From AxiomProofs Require Import Binary64 Semantics Rounding Lines Logistic.
Import ListNotations.
Local Open Scope R_scope.
Local Open Scope bool_scope.

Record point := Point { place : float; vlo : float; vhi : float }.

(* The greatest place up to which `within` answers true. *)
Definition last_within (within : int -> bool) : int :=
  fold_left (fun j bit => let i := (j + bit)%uint63 in if within i then i else j)
    [2048; 1024; 512; 256; 128; 64; 32; 16; 8; 4; 2; 1]%uint63 0%uint63.

Definition strides : list int := [1; 2; 4; 8; 16; 32; 64]%uint63.
Definition stride_of (width : int) : int :=
  match find (fun q => (width <=? q << 5)%uint63) strides with Some q => q | None => 64%uint63 end.

Section Points.
  Variables (l h : float).

  Definition grid_point (j : int) : point :=
    Point (grid j) (if (l <? -16)%float && (j =? 0)%uint63 then 0%float else table_lo j)
      (if (16 <? h)%float && (j =? 2048)%uint63 then 1%float else table_hi j).

  (* The grid points from j to j1, a stride q apart, and the end of an interval that is longer. *)
  Fixpoint points_from (fuel : nat) (q j1 j : int) : list point :=
    match fuel with
    | O => []
    | S fuel => grid_point j ::
        if (j + q <=? j1)%uint63 then points_from fuel q j1 (j + q)%uint63
        else if (16 <? h)%float && (j =? 2048)%uint63 then [Point h (table_lo 2048) 1%float] else []
    end.

  (* The stride and the points. *)
  Definition points_of : int * list point :=
    let a := most l (-16)%float in let b := least h 16%float in
    let outside := (b <? a)%float in
    let end_ := (if 0 <? l then 16 else -16)%float in
    let a64 := ((if outside then end_ else a) * 64)%float in
    let b64 := ((if outside then end_ else b) * 64)%float in
    let i0 := last_within (fun j => (of_uint63 j - 1024 <=? a64)%float) in
    let i1 := (2048 - last_within (fun j => (of_uint63 j - 1024 <=? - b64)%float))%uint63 in
    let q := stride_of (i1 - i0)%uint63 in
    let down i := (i - (i land (q - 1)))%uint63 in
    let j0 := down i0 in let j1 := down (i1 + (q - 1))%uint63 in
    let '(j0, j1) := if (j0 =? j1)%uint63 then if (j1 =? 2048)%uint63 then (j0 - q, j1)%uint63 else (j0, j1 + q)%uint63 else (j0, j1) in
    let points := if (j0 <=? 2048)%uint63 && (j1 <=? 2048)%uint63 then points_from 40 q j1 j0 else [] in
    (q, if (l <? -16)%float && (j0 =? 0)%uint63 then Point l 0%float (table_hi 0) :: points else points).

  (* An empty interval needs no points. *)
  Definition covers (points : list point) : bool :=
    match points with
    | [] => false
    | a :: _ => (h <? l)%float || (place a <=? l)%float && (h <=? place (last points a))%float
    end.
End Points.

(* Among the secants of points on both sides of mid, the one whose value there is best, the first of them. *)
Section Slope.
  Variables (better : float -> float -> bool) (value : point -> float) (mid : float).

  Definition consider (a : point) (best : float * float) (b : point) : float * float :=
    if (mid <=? place b)%float then
      let r := ((value b - value a) / (place b - place a))%float in
      let v := (value a + r * (mid - place a))%float in
      if better v (fst best) then (v, r) else best
    else best.
  Fixpoint best_secant (points : list point) (best : float * float) : float * float :=
    match points with
    | [] => best
    | a :: rest => if (place a <=? mid)%float then best_secant rest (fold_left (consider a) rest best) else best
    end.
  Definition secant (worst : float) (points : list point) : float :=
    let s := snd (best_secant points (worst, 0%float)) in if (abs s <=? 1)%float then s else nan.
End Slope.

Definition extreme (f : float -> float -> float) (values : list float) : float :=
  match values with
  | v :: rest => if forallb is_finite values then fold_left f rest v else nan
  | [] => nan
  end.

(* Greater than step^2 / 8 times the greatest |sigma''|; the literal is 0.0121. *)
Definition delta_of (q : int) : float := let step := (of_uint63 q / 64)%float in (step * step * 0x1.8c7e28240b78p-7)%float.

(* The least and the greatest value of a line on [l, h], within 0 and 1 *)
Definition bound_below (s k l h : float) : float :=
  let a := (s * l + k)%float in let b := (s * h + k)%float in
  if is_finite a && is_finite b then most 0 (least a b - 0x1p-30)%float else nan.
Definition bound_above (s k l h : float) : float :=
  let a := (s * l + k)%float in let b := (s * h + k)%float in
  if is_finite a && is_finite b then least 1 (most a b + 0x1p-30)%float else nan.

Definition curve := (line * (float * float))%type.
Definition no_curve : curve := (Line 0 0 0 1, (0, 1))%float.

Definition far (x : float) : bool := negb (abs x <=? 0x1p20)%float.

Definition sigmoid_curve (l h : float) : curve :=
  if far l || far h then no_curve
  else
    let '(q, points) := points_of l h in
    let delta := delta_of q in
    let mid := ((l + h) * 0.5)%float in
    let s0 := secant PrimFloat.ltb vlo mid infinity points in
    let s1 := secant (fun v best => (best <? v)%float) vhi mid neg_infinity points in
    let low := extreme least (map (fun p => vlo p - s0 * place p)%float points) in
    let high := extreme most (map (fun p => vhi p - s1 * place p)%float points) in
    let farthest := fold_left (fun m p => most m (abs (place p))) points 0%float in
    let d s := (delta + (abs s * farthest) * 0x1p-50)%float in
    let k0 := if covers l h points then lower low (d s0) else nan in
    let k1 := if covers l h points then upper high (d s1) else nan in
    (Line s0 s1 k0 k1, (bound_below s0 k0 l h, bound_above s1 k1 l h)).

Definition curve_error (s : semantics) : float := match s with real => 0 | float32 => 0x1p-20 end%float.

Definition sigmoid_line (l h : float) : line := fst (sigmoid_curve l h).
Definition sigmoid_bounds (s : semantics) (l h : float) : float * float :=
  let b := snd (sigmoid_curve l h) in (fst b - curve_error s, snd b + curve_error s)%float.

Definition tanh_line (l h : float) : line :=
  let n := fst (sigmoid_curve (2 * l) (2 * h)) in
  Line (4 * s_lo n) (4 * s_hi n) (lower (2 * k_lo n - 1) 0) (upper (2 * k_hi n - 1) 0).
Definition tanh_bounds (s : semantics) (l h : float) : float * float :=
  let b := snd (sigmoid_curve (2 * l) (2 * h)) in
  ((2 * fst b - 1) - 0x1p-40 - curve_error s, (2 * snd b - 1) + 0x1p-40 + curve_error s)%float.

(* ---- Points *)

Lemma strides_bound : forall q, In q strides -> (1 <= to_Z q <= 64)%Z.
Proof.
  intros q H. assert (G : forallb (fun q => (1 <=? to_Z q) && (to_Z q <=? 64))%Z strides = true) by reflexivity.
  rewrite forallb_forall in G. specialize (G q H). apply andb_prop in G. destruct G as (A & B).
  apply Z.leb_le in A. apply Z.leb_le in B. lia.
Qed.

Definition step (q : int) : R := IZR (to_Z q) / 64.
Definition deviation (q : int) : R := step q * step q * (963 / 80000).

Lemma delta_V : forall q, In q strides -> fin (delta_of q) /\ deviation q * (1001 / 1000) <= V (delta_of q).
Proof.
  intros q H. pose proof (strides_bound q H) as Hq.
  assert (G : forallb (fun q => is_scaled (delta_of q) (fun m => 964 * (to_Z q * to_Z q) * 2 ^ 100 <=? m * 327680000)%Z) strides = true)
    by (vm_compute; reflexivity).
  rewrite forallb_forall in G. specialize (G q H). apply is_scaled_V in G. destruct G as (F & z & Hz & E).
  split; [exact F |]. apply Z.leb_le, IZR_le in Hz. rewrite !mult_IZR, <- E in Hz.
  assert (P : 0 < IZR (2 ^ 100)) by now apply IZR_lt.
  apply Rmult_le_reg_r with (IZR (2 ^ 100)); [exact P |]. unfold deviation, step. set (u := IZR (2 ^ 100)) in *.
  assert (0 <= IZR (to_Z q) * IZR (to_Z q) * u) by (repeat apply Rmult_le_pos; try apply IZR_le; lia || lra).
  lra.
Qed.

Lemma deviation_pos : forall q, 0 <= deviation q.
Proof. intros q. unfold deviation. pose proof (Rle_0_sqr (step q)). unfold Rsqr in *. lra. Qed.

Lemma deviation_large : forall q, In q strides -> 10000 * w <= deviation q.
Proof.
  intros q H. pose proof (strides_bound q H) as Hq. pose proof (w_bpow (-40) ltac:(lia)) as Hw.
  change (p2 (-40)) with (/ 1099511627776) in Hw. unfold deviation, step.
  assert (1 <= IZR (to_Z q)) by (apply IZR_le; lia). nra.
Qed.

Definition enclosed (p : point) : Prop :=
  fin (place p) /\ fin (vlo p) /\ fin (vhi p) /\ V (vlo p) <= sigmoid (V (place p)) <= V (vhi p).

(* What a line that is below (above) two neighbours is between them *)
Definition between (D : R) (a b : point) : Prop := forall x s c, V (place a) <= x <= V (place b) ->
  (c <= V (vlo a) - s * V (place a) -> c <= V (vlo b) - s * V (place b) -> s * x + c - D <= sigmoid x) /\
  (V (vhi a) - s * V (place a) <= c -> V (vhi b) - s * V (place b) <= c -> sigmoid x <= s * x + c + D).

Fixpoint chain (D : R) (a : point) (l : list point) : Prop :=
  enclosed a /\ match l with [] => True | b :: m => between D a b /\ chain D b m end.

Lemma between_near : forall q a b, enclosed a -> enclosed b -> 0 < step q -> V (place b) - V (place a) = step q -> between (deviation q) a b.
Proof.
  intros q a b (_ & _ & _ & A1 & A2) (_ & _ & _ & B1 & B2) Hq Hs x s c Hx.
  destruct (interpolation _ _ x (V (vlo a)) (V (vlo b)) Hx) as (L & _). destruct (interpolation _ _ x (V (vhi a)) (V (vhi b)) Hx) as (_ & H).
  rewrite Hs in *. fold (deviation q) in L, H. specialize (L A1 B1). specialize (H A2 B2).
  set (p := V (place a)) in *. set (r := V (place b)) in *.
  split; intros Ca Cb.
  - assert (C1 : (c + s * p) * (r - x) <= V (vlo a) * (r - x)) by (apply Rmult_le_compat_r; lra).
    assert (C2 : (c + s * r) * (x - p) <= V (vlo b) * (x - p)) by (apply Rmult_le_compat_r; lra).
    assert (C3 : (c + s * x) * (r - p) <= (sigmoid x + deviation q) * (r - p)) by (rewrite Hs at 2; lra).
    rewrite Hs in C3. apply Rmult_le_reg_r in C3; [lra | exact Hq].
  - assert (C1 : V (vhi a) * (r - x) <= (c + s * p) * (r - x)) by (apply Rmult_le_compat_r; lra).
    assert (C2 : V (vhi b) * (x - p) <= (c + s * r) * (x - p)) by (apply Rmult_le_compat_r; lra).
    assert (C3 : (sigmoid x - deviation q) * (r - p) <= (c + s * x) * (r - p)) by (rewrite Hs at 1; lra).
    rewrite Hs in C3. apply Rmult_le_reg_r in C3; [lra | exact Hq].
Qed.

(* A line that is below v at both ends of an interval is so inside. *)
Lemma line_between : forall p r x s c v, p <= x <= r -> c + s * p <= v -> c + s * r <= v -> c + s * x <= v.
Proof. intros p r x s c v Hx Hp Hr. destruct (Rle_lt_dec 0 s); nra. Qed.

Lemma between_flat : forall D a b, 0 <= D -> V (vlo a) = V (vlo b) -> V (vhi a) = V (vhi b) ->
  (forall x, V (place a) <= x <= V (place b) -> V (vlo a) <= sigmoid x <= V (vhi a)) -> between D a b.
Proof.
  intros D a b HD El Eh H x s c Hx. specialize (H x Hx). split; intros Ca Cb.
  - pose proof (line_between _ _ x s c (V (vlo a)) Hx). lra.
  - pose proof (line_between _ _ x (- s) (- c) (- V (vhi a)) Hx). lra.
Qed.

Lemma chain_covers : forall D l a x s c, 0 <= D -> chain D a l -> V (place a) <= x <= V (place (last (a :: l) a)) ->
  ((forall p, In p (a :: l) -> c <= V (vlo p) - s * V (place p)) -> s * x + c - D <= sigmoid x) /\
  ((forall p, In p (a :: l) -> V (vhi p) - s * V (place p) <= c) -> sigmoid x <= s * x + c + D).
Proof.
  intros D. induction l as [| b l IH]; intros a x s c HD ((Fa & _ & _ & Ea) & Hc) Hx.
  - cbn in Hx. assert (x = V (place a)) as -> by lra. split; intros H; specialize (H a (or_introl eq_refl)); lra.
  - destruct Hc as (Hab & Hc). destruct (Rle_lt_dec x (V (place b))) as [Hb | Hb].
    + destruct (Hab x s c ltac:(lra)) as (L & U). split; intros H; [apply L | apply U]; apply H; cbn; auto.
    + assert (El : last (a :: b :: l) a = last (b :: l) b).
      { cbn [last]. destruct l; [reflexivity |]. clear. revert p. induction l as [| e l IH]; intros p; [reflexivity |]. cbn [last] in *. apply (IH e). }
      rewrite El in Hx. destruct (IH b x s c HD Hc ltac:(lra)) as (L & U).
      split; intros H; [apply L | apply U]; intros p Hp; apply H; now right.
Qed.

Lemma chain_enclosed : forall D l a p, chain D a l -> In p (a :: l) -> enclosed p.
Proof.
  intros D. induction l as [| b l IH]; intros a p (Ha & Hc) Hp.
  - destruct Hp as [<- | []]. exact Ha.
  - destruct Hp as [<- | Hp]; [exact Ha |]. now apply (IH b).
Qed.

Lemma fin_m16 : fin (-16). Proof. literal_fin. Qed.
Lemma fin_16 : fin 16. Proof. literal_fin. Qed.
Lemma V_m16 : V (-16) = -16. Proof. literal_V (-16)%float. simpl. lra. Qed.
Lemma V_16 : V 16 = 16. Proof. literal_V 16%float. simpl. lra. Qed.

Section Chain.
  Variables l h : float.
  Hypothesis Fl : fin l.
  Hypothesis Fh : fin h.

  Lemma grid_point_enclosed : forall j, (to_Z j <= 2048)%Z -> enclosed (grid_point l h j) /\ V (place (grid_point l h j)) = (IZR (to_Z j) - 1024) / 64.
  Proof.
    intros j Hj. destruct (table_sound j Hj) as (Fg & Vg & F1 & F2 & B). unfold enclosed, grid_point. cbn [place vlo vhi]. rewrite Vg.
    pose proof (sigmoid_within ((IZR (to_Z j) - 1024) / 64)).
    split; [| reflexivity]. split; [exact Fg |].
    destruct ((l <? -16)%float && (j =? 0)%uint63), ((16 <? h)%float && (j =? 2048)%uint63);
      rewrite ?V_0, ?V_1; repeat split; auto using fin_0, fin_1; lra.
  Qed.

  Lemma points_chain : forall q fuel j j1, In q strides -> (to_Z j <= 2048)%Z -> (to_Z j1 <= 2048)%Z ->
    match points_from l h fuel q j1 j with [] => True | a :: m => a = grid_point l h j /\ chain (deviation q) a m end.
  Proof.
    intros q. induction fuel as [| fuel IH]; intros j j1 Hq Hj Hj1; cbn [points_from]; [exact I |]. split; [reflexivity |].
    destruct (grid_point_enclosed j Hj) as (E & P). pose proof (strides_bound q Hq) as Bq.
    destruct (j + q <=? j1)%uint63 eqn:Hs.
    - apply leb_spec in Hs. pose proof (to_Z_bounded j).
      assert (Hjq : to_Z (j + q)%uint63 = (to_Z j + to_Z q)%Z).
      { rewrite add_spec. apply Z.mod_small. change wB with (2 ^ 63)%Z. lia. }
      specialize (IH (j + q)%uint63 j1 Hq ltac:(lia) Hj1). destruct (points_from l h fuel q j1 (j + q)) as [| b m]; [split; [exact E | exact I] |].
      destruct IH as (-> & Hc). destruct (grid_point_enclosed (j + q)%uint63 ltac:(lia)) as (E' & P').
      split; [exact E |]. split; [| exact Hc]. apply between_near; auto.
      + unfold step. apply Rmult_lt_0_compat; [apply IZR_lt; lia | lra].
      + rewrite P, P', Hjq, plus_IZR. unfold step. field.
    - destruct ((16 <? h)%float && (j =? 2048)%uint63) eqn:He; [| split; [exact E | exact I]].
      pose proof He as He'. apply andb_prop in He'. destruct He' as (H16 & Hj2). apply Uint63.eqb_correct in Hj2. subst j.
      apply ltb_V in H16; auto using fin_16. rewrite V_16 in H16.
      destruct (table_sound 2048 ltac:(reflexivity || (vm_compute; discriminate))) as (Fg & Vg & F1 & F2 & B).
      change (to_Z 2048) with 2048%Z in *. replace ((2048 - 1024) / 64) with 16 in * by lra.
      pose proof (sigmoid_within (V h)). pose proof (sigmoid_monotone 16 (V h) ltac:(lra)).
      split; [exact E |]. split.
      + apply between_flat; [apply deviation_pos | | |].
        * unfold grid_point. cbn [vlo]. change ((2048 =? 0)%uint63) with false. now rewrite Bool.andb_false_r.
        * unfold grid_point. cbn [vhi]. now rewrite He.
        * intros x. rewrite P. unfold grid_point. cbn [place vlo vhi]. rewrite He. change ((2048 =? 0)%uint63) with false. rewrite Bool.andb_false_r, V_1.
          intros Hx. pose proof (sigmoid_within x). pose proof (sigmoid_monotone 16 x ltac:(lra)). lra.
      + split; [| exact I]. unfold enclosed. cbn [place vlo vhi]. rewrite V_1. repeat split; auto using fin_1; lra.
  Qed.

  Lemma stride_of_in : forall width, In (stride_of width) strides.
  Proof.
    intros width. unfold stride_of. destruct find as [q |] eqn:H; [now apply find_some in H |]. cbn. tauto.
  Qed.

  Lemma points_of_chain : let (q, points) := points_of l h in
    In q strides /\ match points with [] => True | a :: m => chain (deviation q) a m end.
  Proof.
    unfold points_of. cbv zeta. set (q := stride_of _). pose proof (stride_of_in _ : In q strides) as Hq.
    match goal with |- let (_, _) := (let '(_, _) := ?c in _) in _ => destruct c as [j0 j1] end.
    split; [exact Hq |].
    set (points := if (j0 <=? 2048)%uint63 && (j1 <=? 2048)%uint63 then points_from l h 40 q j1 j0 else []).
    assert (Hp : match points with [] => True | a :: m => a = grid_point l h j0 /\ chain (deviation q) a m end).
    { unfold points. destruct (_ && _)%bool eqn:H; [| exact I]. apply andb_prop in H. destruct H as (H0 & H1).
      apply leb_spec in H0, H1. now apply points_chain. }
    clearbody points. destruct (_ && _)%bool eqn:He.
    2:{ destruct points; [exact I | apply Hp]. }
    pose proof He as He'. apply andb_prop in He'. destruct He' as (H16 & Hj0). apply Uint63.eqb_correct in Hj0. subst j0.
    apply ltb_V in H16; auto using fin_m16. rewrite V_m16 in H16.
    destruct (table_sound 0 ltac:(vm_compute; discriminate)) as (Fg & Vg & F1 & F2 & B).
    change (to_Z 0) with 0%Z in *. replace ((0 - 1024) / 64) with (-16) in * by lra.
    assert (Hflat : forall x, x <= -16 -> 0 <= sigmoid x <= V (table_hi 0)).
    { intros x Hx. pose proof (sigmoid_within x). pose proof (sigmoid_monotone x (-16) Hx). lra. }
    assert (Hl : enclosed (Point l 0 (table_hi 0))).
    { unfold enclosed. cbn [place vlo vhi]. rewrite V_0. specialize (Hflat (V l) ltac:(lra)). repeat split; auto using fin_0; lra. }
    destruct points as [| a m]; (split; [exact Hl |]); [exact I |]. destruct Hp as (-> & Hc). split; [| exact Hc].
    - assert (E0 : vlo (grid_point l h 0) = 0%float) by (unfold grid_point; cbn [vlo]; now rewrite He).
      assert (E1 : vhi (grid_point l h 0) = table_hi 0).
      { unfold grid_point. cbn [vhi]. change ((0 =? 2048)%uint63) with false. now rewrite Bool.andb_false_r. }
      apply between_flat; [apply deviation_pos | now rewrite E0 | now rewrite E1 |].
      cbn [place vlo vhi]. unfold grid_point. cbn [place]. rewrite Vg, V_0. intros x Hx. apply Hflat. lra.
  Qed.
End Chain.

(* ---- Lines *)

Lemma extreme_least : forall values, fin (extreme least values) -> forall v, In v values -> fin v /\ V (extreme least values) <= V v.
Proof.
  assert (G : forall l m, fin m -> (forall v, In v l -> fin v) ->
    V (fold_left least l m) <= V m /\ forall v, In v l -> V (fold_left least l m) <= V v).
  { induction l as [| a l IH]; intros m Fm Hl; cbn [fold_left]; [split; [lra | easy] |].
    destruct (least_V m a Fm (Hl a (or_introl eq_refl))) as (F & A & B).
    destruct (IH _ F (fun v Hv => Hl v (or_intror Hv))) as (C & D). split; [lra |]. intros v [<- | Hv]; [lra | now apply D]. }
  intros [| a l] H v Hv; [easy |]. unfold extreme in *. destruct forallb eqn:Hf; [| now apply nan_not_fin in H].
  assert (Hall : forall u, In u (a :: l) -> fin u) by (rewrite forallb_forall in Hf; intros u Hu; now apply finite_is_finite, Hf).
  destruct (G l a (Hall a (or_introl eq_refl)) (fun u Hu => Hall u (or_intror Hu))) as (A & B).
  split; [now apply Hall |]. destruct Hv as [<- | Hv]; [exact A | now apply B].
Qed.

Lemma extreme_most : forall values, fin (extreme most values) -> forall v, In v values -> fin v /\ V v <= V (extreme most values).
Proof.
  assert (G : forall l m, fin m -> (forall v, In v l -> fin v) ->
    V m <= V (fold_left most l m) /\ forall v, In v l -> V v <= V (fold_left most l m)).
  { induction l as [| a l IH]; intros m Fm Hl; cbn [fold_left]; [split; [lra | easy] |].
    destruct (most_V m a Fm (Hl a (or_introl eq_refl))) as (F & A & B).
    destruct (IH _ F (fun v Hv => Hl v (or_intror Hv))) as (C & D). split; [lra |]. intros v [<- | Hv]; [lra | now apply D]. }
  intros [| a l] H v Hv; [easy |]. unfold extreme in *. destruct forallb eqn:Hf; [| now apply nan_not_fin in H].
  assert (Hall : forall u, In u (a :: l) -> fin u) by (rewrite forallb_forall in Hf; intros u Hu; now apply finite_is_finite, Hf).
  destruct (G l a (Hall a (or_introl eq_refl)) (fun u Hu => Hall u (or_intror Hu))) as (A & B).
  split; [now apply Hall |]. destruct Hv as [<- | Hv]; [exact A | now apply B].
Qed.

Lemma farthest_V : forall points m, fin m -> (forall p, In p points -> fin (place p)) ->
  let g := fold_left (fun m p => most m (abs (place p))) points m in
  fin g /\ V m <= V g /\ forall p, In p points -> Rabs (V (place p)) <= V g.
Proof.
  induction points as [| a l IH]; intros m Fm Hl; cbn [fold_left]; [split; [exact Fm | split; [lra | easy]] |].
  destruct (most_V m (abs (place a)) Fm) as (F & A & B); [apply abs_fin, Hl; now left |]. rewrite abs_V in B.
  destruct (IH _ F (fun p Hp => Hl p (or_intror Hp))) as (F' & C & D). split; [exact F' | split; [lra |]].
  intros p [<- | Hp]; [lra | now apply D].
Qed.

(* v - s * p is almost what is computed. *)
Lemma intercept_V : forall v s p m, fin (v - s * p)%float -> Rabs (V p) <= m ->
  let r := V (v - s * p)%float in
  r - d * Rabs r - d * (Rabs (V s) * m) - w <= V v - V s * V p <= r + d * Rabs r + d * (Rabs (V s) * m) + w.
Proof.
  intros v s p m H Hm r. destruct (sub_V _ _ H) as (_ & Fp & _ & E). destruct (mul_V _ _ Fp) as (_ & _ & E'). fold r in E.
  rewrite Rabs_mult in E'.
  assert (Rabs (V s) * Rabs (V p) <= Rabs (V s) * m) by (apply Rmult_le_compat_l; [apply Rabs_pos | exact Hm]).
  unabs. numeric.
Qed.

Lemma charge_of_line : forall q s m, In q strides -> fin (delta_of q + (abs s * m) * 0x1p-50)%float -> 0 <= V m ->
  deviation q + 7 * d * (Rabs (V s) * V m) + 2 * w <= V (delta_of q + (abs s * m) * 0x1p-50)%float.
Proof.
  intros q s m Hq H Hm. destruct (delta_V q Hq) as (Fd & Hd). pose proof (deviation_large q Hq). pose proof w_positive.
  pose proof (Rabs_pos (V s)) as Ps.
  destruct (add_fin _ _ H) as (_ & F1 & _). destruct (mul_fin _ _ F1) as (F2 & _ & _).
  destruct (mul_pos _ _ F2) as (_ & _ & (E2 & _)); [rewrite abs_V; exact Ps | exact Hm |]. rewrite abs_V in E2.
  assert (P2 : 0 <= V (abs s * m)%float) by (apply mul_sign; auto; rewrite abs_V; exact Ps).
  destruct (mul_pos _ _ F1) as (_ & _ & (E1 & _)); [exact P2 | rewrite V_50; numeric |]. rewrite V_50 in E1.
  assert (P1 : 0 <= V (abs s * m * 0x1p-50)%float) by (apply mul_sign; auto; rewrite V_50; numeric).
  destruct (add_pos _ _ H) as (_ & _ & (E0 & _)); [lra | exact P1 |].
  assert (0 <= Rabs (V s) * V m) by now apply Rmult_le_pos. numeric.
Qed.

Lemma covers_V : forall l h a m D, fin l -> fin h -> V l <= V h -> chain D a m -> covers l h (a :: m) = true ->
  V (place a) <= V l /\ V h <= V (place (last (a :: m) a)).
Proof.
  intros l h a m D Fl Fh Hlh Hc H. unfold covers in H. destruct (h <? l)%float eqn:E; [apply ltb_V in E; auto; lra |].
  cbn [orb] in H. apply andb_prop in H. destruct H as (H1 & H2).
  assert (Hlast : In (last (a :: m) a) (a :: m)).
  { clear. generalize a at 1 3 as b. induction m as [| e m IH]; intros b; [now left |]. right. apply (IH e). }
  destruct (chain_enclosed _ _ _ a Hc (or_introl eq_refl)) as (Fa & _). destruct (chain_enclosed _ _ _ _ Hc Hlast) as (Fz & _).
  apply leb_V in H1, H2; auto.
Qed.

Section Line.
  Variables (l h : float) (q : int) (a : point) (m : list point) (x : R).
  Hypothesis Fl : fin l.
  Hypothesis Fh : fin h.
  Hypothesis Hq : In q strides.
  Hypothesis Hc : chain (deviation q) a m.
  Hypothesis Hx : V l <= x <= V h.
  Let far_ := fold_left (fun m p => most m (abs (place p))) (a :: m) 0%float.

  Lemma places : 0 <= V far_ /\ forall p, In p (a :: m) -> Rabs (V (place p)) <= V far_.
  Proof.
    destruct (farthest_V (a :: m) 0 fin_0) as (_ & P & H); [intros p Hp; apply (chain_enclosed _ _ _ p Hc Hp) |].
    rewrite V_0 in P. split; [exact P | exact H].
  Qed.

  Variable s : float.
  Let e := (delta_of q + (abs s * far_) * 0x1p-50)%float.

  Lemma line_below : let k := (if covers l h (a :: m)
      then lower (extreme least (map (fun p => vlo p - s * place p)%float (a :: m))) e else nan)%float in
    fin k -> V s * x + V k <= sigmoid x.
  Proof.
    intros k Fk. unfold k in *. clear k. destruct (covers l h (a :: m)) eqn:Hcov; [| now apply nan_not_fin in Fk].
    destruct (covers_V _ _ _ _ _ Fl Fh ltac:(lra) Hc Hcov) as (C1 & C2). destruct places as (P0 & P).
    set (c := extreme _ _) in *.
    assert (Fe : fin e).
    { unfold lower in Fk. destruct (sub_fin _ _ Fk) as (_ & F1 & _). destruct (add_fin _ _ F1) as (F2 & _). apply (add_fin _ _ F2). }
    pose proof (charge_of_line q s far_ Hq Fe P0) as E. fold e in E. pose proof (deviation_pos q). pose proof w_positive. pose proof tau_w.
    pose proof (Rabs_pos (V s)). assert (0 <= Rabs (V s) * V far_) by now apply Rmult_le_pos.
    destruct (lower_V _ _ Fk) as (Fc & _ & L); [numeric |].
    set (g := V c - d * Rabs (V c) - d * (Rabs (V s) * V far_) - w).
    destruct (chain_covers (deviation q) m a x (V s) g (deviation_pos q) Hc) as (B & _); [lra |].
    assert (G : V s * x + g - deviation q <= sigmoid x).
    { apply B. intros p Hp. destruct (extreme_least _ Fc (vlo p - s * place p)%float) as (Fr & Hr); [apply in_map_iff; eauto |].
      destruct (intercept_V _ _ _ _ Fr (P p Hp)) as (I & _). fold c in Hr. unfold g.
      assert (Rabs (V (vlo p - s * place p)%float) <= Rabs (V c) + (V (vlo p - s * place p)%float - V c)).
      { replace (V (vlo p - s * place p)%float) with (V c + (V (vlo p - s * place p)%float - V c)) at 1 by ring.
        eapply Rle_trans; [apply Rabs_triang |]. rewrite (Rabs_pos_eq (_ - _)) by lra. lra. }
      numeric. }
    unfold g in G. pose proof (Rabs_pos (V c)). numeric.
  Qed.

  Lemma line_above : let k := (if covers l h (a :: m)
      then upper (extreme most (map (fun p => vhi p - s * place p)%float (a :: m))) e else nan)%float in
    fin k -> sigmoid x <= V s * x + V k.
  Proof.
    intros k Fk. unfold k in *. clear k. destruct (covers l h (a :: m)) eqn:Hcov; [| now apply nan_not_fin in Fk].
    destruct (covers_V _ _ _ _ _ Fl Fh ltac:(lra) Hc Hcov) as (C1 & C2). destruct places as (P0 & P).
    set (c := extreme _ _) in *.
    assert (Fe : fin e).
    { unfold upper in Fk. destruct (add_fin _ _ Fk) as (_ & F1 & _). destruct (add_fin _ _ F1) as (F2 & _). apply (add_fin _ _ F2). }
    pose proof (charge_of_line q s far_ Hq Fe P0) as E. fold e in E. pose proof (deviation_pos q). pose proof w_positive. pose proof tau_w.
    pose proof (Rabs_pos (V s)). assert (0 <= Rabs (V s) * V far_) by now apply Rmult_le_pos.
    destruct (upper_V _ _ Fk) as (Fc & _ & L); [numeric |].
    set (g := V c + d * Rabs (V c) + d * (Rabs (V s) * V far_) + w).
    destruct (chain_covers (deviation q) m a x (V s) g (deviation_pos q) Hc) as (_ & B); [lra |].
    assert (G : sigmoid x <= V s * x + g + deviation q).
    { apply B. intros p Hp. destruct (extreme_most _ Fc (vhi p - s * place p)%float) as (Fr & Hr); [apply in_map_iff; eauto |].
      destruct (intercept_V _ _ _ _ Fr (P p Hp)) as (_ & I). fold c in Hr. unfold g.
      assert (Rabs (V (vhi p - s * place p)%float) <= Rabs (V c) + (V c - V (vhi p - s * place p)%float)).
      { replace (V (vhi p - s * place p)%float) with (V c - (V c - V (vhi p - s * place p)%float)) at 1 by ring.
        eapply Rle_trans; [apply Rabs_minus_le |]. rewrite (Rabs_pos_eq (_ - _)) by lra. lra. }
      numeric. }
    unfold g in G. pose proof (Rabs_pos (V c)). numeric.
  Qed.
End Line.

(* ---- Bounds *)

Lemma V_30 : V 0x1p-30 = 8388608 * d. Proof. literal_V 0x1p-30%float. unfold d. simpl. lra. Qed.

Section Bounds.
  Variables (l h s k : float) (x S : R).
  Hypothesis Hl : Rabs (V l) <= 1048576.
  Hypothesis Hh : Rabs (V h) <= 1048576.
  Hypothesis Hs : fin s -> Rabs (V s) <= 1.
  Hypothesis Hx : V l <= x <= V h.
  Hypothesis HS : 0 < S < 1.

  Lemma line_end : forall z, Rabs (V z) <= 1048576 -> fin (s * z + k)%float ->
    fin s /\ fin k /\ Rabs (V (s * z + k)%float - (V s * V z + V k)) <= 1048576 * d + w + d * Rabs (V (s * z + k)%float).
  Proof.
    intros z Hz F. destruct (add_V _ _ F) as (F1 & Fk & _ & E). destruct (mul_V _ _ F1) as (Fs & _ & E'). specialize (Hs Fs).
    split; [exact Fs |]. split; [exact Fk |].
    assert (Rabs (V s * V z) <= 1048576).
    { rewrite Rabs_mult. pose proof (Rabs_pos (V s)). pose proof (Rabs_pos (V z)). nra. }
    apply Rabs_le. unabs. numeric.
  Qed.

  Lemma bound_below_V : fin (bound_below s k l h) -> V s * x + V k <= S ->
    fin k /\ 0 <= V (bound_below s k l h) <= 1 /\ (V (bound_below s k l h) = 0 \/ V (bound_below s k l h) + 4194304 * d <= S).
  Proof.
    unfold bound_below. intros F H. destruct (is_finite (s * l + k)) eqn:F1; [| now apply nan_not_fin in F].
    destruct (is_finite (s * h + k)) eqn:F2; [| now apply nan_not_fin in F]. cbn [andb] in *. apply finite_is_finite in F1, F2.
    destruct (line_end l Hl F1) as (Fs & Fk & E1). destruct (line_end h Hh F2) as (_ & _ & E2). split; [exact Fk |].
    destruct (least_V _ _ F1 F2) as (Fm & M1 & M2). set (g := least _ _) in *. unfold most in *.
    destruct (0 <? g - 0x1p-30)%float eqn:Hp; [| rewrite V_0; lra].
    apply ltb_V in Hp; auto using fin_0. rewrite V_0 in Hp. destruct (sub_V _ _ F) as (_ & _ & E & _). rewrite V_30 in E.
    pose proof (w_bpow (-60) ltac:(lia)) as Hw. change (p2 (-60)) with (/ 1152921504606846976) in Hw.
    assert (Hg : 0 < V g - 8388608 * d).
    { destruct (Rle_lt_dec (V g - 8388608 * d) 0); [| assumption]. rewrite (Rabs_left1 (V g - _)) in E by assumption. unabs. numeric. }
    rewrite (Rabs_pos_eq (V g - _)) in E by lra.
    rewrite (Rabs_pos_eq (V (s * l + k)%float)) in E1 by numeric. rewrite (Rabs_pos_eq (V (s * h + k)%float)) in E2 by numeric.
    assert (V g <= S + 1048576 * d + w + 4 * d).
    { destruct (Rle_lt_dec 0 (V s)).
      - assert (V s * V l + V k <= S) by nra. unabs. numeric.
      - assert (V s * V h + V k <= S) by nra. unabs. numeric. }
    assert (V (g - 0x1p-30)%float + 4194304 * d <= S) by (unabs; numeric). split; [numeric | now right].
  Qed.

  Lemma bound_above_V : fin (bound_above s k l h) -> S <= V s * x + V k ->
    fin k /\ 0 <= V (bound_above s k l h) <= 1 /\ (V (bound_above s k l h) = 1 \/ S + 4194304 * d <= V (bound_above s k l h)).
  Proof.
    unfold bound_above. intros F H. destruct (is_finite (s * l + k)) eqn:F1; [| now apply nan_not_fin in F].
    destruct (is_finite (s * h + k)) eqn:F2; [| now apply nan_not_fin in F]. cbn [andb] in *. apply finite_is_finite in F1, F2.
    destruct (line_end l Hl F1) as (Fs & Fk & E1). destruct (line_end h Hh F2) as (_ & _ & E2). split; [exact Fk |].
    destruct (most_V _ _ F1 F2) as (Fm & M1 & M2). set (g := most _ _) in *. unfold least in *.
    destruct (g + 0x1p-30 <? 1)%float eqn:Hp; [| rewrite V_1; lra].
    apply ltb_V in Hp; auto using fin_1. rewrite V_1 in Hp. destruct (add_V _ _ F) as (_ & _ & E & _). rewrite V_30 in E.
    pose proof (w_bpow (-60) ltac:(lia)) as Hw. change (p2 (-60)) with (/ 1152921504606846976) in Hw.
    assert (Hg : V g <= 2).
    { destruct (Rle_lt_dec (V g) 2); [assumption |]. rewrite (Rabs_pos_eq (V g + _)) in E by numeric. unabs. numeric. }
    assert (Hcase : forall r z, S <= z -> Rabs (r - z) <= 1048576 * d + w + d * Rabs r -> r <= V g ->
      S - 1048576 * d - w - 4 * d <= V g).
    { intros r z Hz Hr Hrg. destruct (Rle_lt_dec 0 r) as [P | P].
      - rewrite (Rabs_pos_eq r) in Hr by exact P. unabs. numeric.
      - rewrite (Rabs_left r) in Hr by exact P. unabs. numeric. }
    assert (G : S - 1048576 * d - w - 4 * d <= V g).
    { destruct (Rle_lt_dec 0 (V s)).
      - apply (Hcase (V (s * h + k)%float) (V s * V h + V k)); auto. nra.
      - apply (Hcase (V (s * l + k)%float) (V s * V l + V k)); auto. nra. }
    rewrite (Rabs_pos_eq (V g + _)) in E by numeric.
    assert (S + 4194304 * d <= V (g + 0x1p-30)%float) by (unabs; numeric). split; [numeric | now right].
  Qed.
End Bounds.

(* ---- The curve *)

Lemma secant_V : forall better value mid worst points, fin (secant better value mid worst points) -> Rabs (V (secant better value mid worst points)) <= 1.
Proof.
  intros better value mid worst points. unfold secant. set (s := snd _). intros F.
  destruct (abs s <=? 1)%float eqn:H; [| now apply nan_not_fin in F]. apply leb_V in H; auto using fin_1; [| now apply abs_fin].
  now rewrite abs_V, V_1 in H.
Qed.

Lemma far_V : forall x, far x = false -> fin x /\ Rabs (V x) <= 1048576.
Proof.
  intros x H. unfold far in H. apply Bool.negb_false_iff in H. assert (F20 : fin 0x1p20) by literal_fin.
  pose proof (abs_leb_fin _ _ F20 H) as F. split; [exact F |]. apply leb_V in H; auto; [| now apply abs_fin].
  rewrite abs_V in H. assert (V 0x1p20 = 1048576) by (literal_V 0x1p20%float; simpl; lra). lra.
Qed.

(* Bounds are 0 and 1, or have room for a rounding. *)
Theorem sigmoid_curve_sound : forall l h x, (fin l -> fin h -> V l <= x <= V h) ->
  let (n, b) := sigmoid_curve l h in
  (fin (k_lo n) -> V (s_lo n) * x + V (k_lo n) <= sigmoid x) /\ (fin (k_hi n) -> sigmoid x <= V (s_hi n) * x + V (k_hi n)) /\
  (fin (fst b) -> 0 <= V (fst b) <= 1 /\ (V (fst b) = 0 \/ V (fst b) + 4194304 * d <= sigmoid x)) /\
  (fin (snd b) -> 0 <= V (snd b) <= 1 /\ (V (snd b) = 1 \/ sigmoid x + 4194304 * d <= V (snd b))).
Proof.
  intros l h x Hx. pose proof (sigmoid_within x) as Hw. unfold sigmoid_curve.
  destruct (far l || far h) eqn:Hfar.
  { unfold no_curve. cbn [s_lo s_hi k_lo k_hi fst snd]. rewrite V_0, V_1.
    split; [lra | split; [lra | split; intros _; (split; [lra | now left])]]. }
  apply Bool.orb_false_iff in Hfar. destruct Hfar as (Hl & Hh).
  destruct (far_V l Hl) as (Fl & Bl). destruct (far_V h Hh) as (Fh & Bh). specialize (Hx Fl Fh).
  pose proof (points_of_chain l h Fl Fh) as P. destruct (points_of l h) as [q points]. destruct P as (Hq & Hc).
  cbn [s_lo s_hi k_lo k_hi fst snd].
  set (s0 := secant PrimFloat.ltb _ _ _ _). set (s1 := secant _ vhi _ _ _).
  assert (S0 : fin s0 -> Rabs (V s0) <= 1) by apply secant_V. assert (S1 : fin s1 -> Rabs (V s1) <= 1) by apply secant_V.
  clearbody s0 s1. destruct points as [| a m].
  { assert (N : forall s, is_finite (s * l + nan) = true -> False).
    { intros s H. apply finite_is_finite in H. destruct (add_fin _ _ H) as (_ & F & _). now apply nan_not_fin in F. }
    cbn [covers]. unfold bound_below, bound_above.
    destruct (is_finite (s0 * l + nan)) eqn:E0; [now apply N in E0 |]. destruct (is_finite (s1 * l + nan)) eqn:E1; [now apply N in E1 |].
    cbn [andb]. pose proof nan_not_fin. tauto. }
  pose proof (line_below l h q a m x Fl Fh Hq Hc Hx s0) as L. pose proof (line_above l h q a m x Fl Fh Hq Hc Hx s1) as U. cbv zeta in L, U.
  split; [exact L |]. split; [exact U |]. split; intros F.
  - assert (Fk := F). unfold bound_below in Fk. destruct (is_finite (s0 * l + _)) eqn:F1; [| now apply nan_not_fin in Fk].
    apply finite_is_finite in F1. destruct (add_fin _ _ F1) as (_ & Fk0 & _).
    now destruct (bound_below_V l h s0 _ x (sigmoid x) Bl Bh S0 Hx Hw F (L Fk0)) as (_ & B).
  - assert (Fk := F). unfold bound_above in Fk. destruct (is_finite (s1 * l + _)) eqn:F1; [| now apply nan_not_fin in Fk].
    apply finite_is_finite in F1. destruct (add_fin _ _ F1) as (_ & Fk1 & _).
    now destruct (bound_above_V l h s1 _ x (sigmoid x) Bl Bh S1 Hx Hw F (U Fk1)) as (_ & B).
Qed.

Lemma scale_V : forall c e x, (0 <= e)%Z -> V c = p2 e -> fin (c * x)%float -> fin x /\ V (c * x)%float = p2 e * V x.
Proof.
  intros c e x He Hc F. destruct (mul_fin _ _ F) as (_ & Fx & ->). split; [exact Fx |]. rewrite Hc, Rmult_comm.
  apply round_generic; [typeclasses eauto |]. apply mult_bpow_pos_exact_FLT; [apply format_V | exact He].
Qed.
Lemma V_2 : V 2 = p2 1. Proof. literal_V 2%float. simpl. lra. Qed.
Lemma V_4 : V 4 = p2 2. Proof. literal_V 4%float. simpl. lra. Qed.
Lemma twice_V : forall x, fin (2 * x)%float -> fin x /\ V (2 * x)%float = 2 * V x.
Proof. intros x F. destruct (scale_V 2 1 x ltac:(lia) V_2 F) as (Fx & E). split; [exact Fx | exact E]. Qed.
Lemma fourfold_V : forall x, fin (4 * x)%float -> fin x /\ V (4 * x)%float = 4 * V x.
Proof. intros x F. destruct (scale_V 4 2 x ltac:(lia) V_4 F) as (Fx & E). split; [exact Fx | exact E]. Qed.

Lemma tanh_is_sigmoid : forall x, tanh x = 2 * sigmoid (2 * x) - 1.
Proof.
  intros x. unfold tanh, sinh, cosh, sigmoid. replace (- (2 * x)) with (- x + - x) by ring. rewrite exp_plus, exp_Ropp.
  pose proof (exp_pos x). field. split; [| nra]. nra.
Qed.

Lemma line_finite_fin : forall n, line_finite n = true -> fin (s_lo n) /\ fin (s_hi n) /\ fin (k_lo n) /\ fin (k_hi n).
Proof.
  intros n H. unfold line_finite in H. repeat (apply andb_prop in H; destruct H as (H & ?)). repeat split; now apply finite_is_finite.
Qed.

Lemma curve_error_V : forall s f x v, curve_holds s f x v ->
  0 <= V (curve_error s) <= 8589934592 * d /\ Rabs (v - f x) <= V (curve_error s).
Proof.
  intros s f x v H. assert (E : V 0x1p-20 = 8589934592 * d) by (literal_V 0x1p-20%float; unfold d; simpl; lra). destruct s; unfold curve_holds, curve_error in *.
  - rewrite V_0, H. replace (f x - f x) with 0 by ring. rewrite Rabs_R0. numeric.
  - rewrite E. change (p2 (-20)) with (/ 1048576) in H. numeric.
Qed.

Section Curve.
  Variables (l h : float) (x : R).
  Hypothesis Hx : V l <= x <= V h.

  Lemma sigmoid_line_sound : let n := sigmoid_line l h in line_finite n = true ->
    V (s_lo n) * x + V (k_lo n) <= sigmoid x <= V (s_hi n) * x + V (k_hi n).
  Proof.
    intros n F. destruct (line_finite_fin _ F) as (_ & _ & F1 & F2). unfold n, sigmoid_line in *.
    pose proof (sigmoid_curve_sound l h x (fun _ _ => Hx)) as H. destruct (sigmoid_curve l h) as [c b]. cbn [fst] in *.
    destruct H as (L & U & _). split; auto.
  Qed.

  Lemma sigmoid_bounds_sound : forall s v, curve_holds s sigmoid x v ->
    let b := sigmoid_bounds s l h in fin (fst b) -> fin (snd b) -> V (fst b) <= v <= V (snd b).
  Proof.
    intros s v Hv. unfold sigmoid_bounds. pose proof (sigmoid_curve_sound l h x (fun _ _ => Hx)) as H.
    destruct (sigmoid_curve l h) as [c b]. destruct H as (_ & _ & L & U). cbn [fst snd]. intros F1 F2.
    destruct (curve_error_V _ _ _ _ Hv) as (E0 & E). pose proof (sigmoid_within x).
    destruct (sub_fin _ _ F1) as (G1 & _ & R1). destruct (add_fin _ _ F2) as (G2 & _ & R2).
    destruct (sub_any _ _ F1) as (_ & _ & E1). destruct (add_any _ _ F2) as (_ & _ & E2).
    destruct (L G1) as (L0 & L1). destruct (U G2) as (U0 & U1).
    rewrite (Rabs_pos_eq (V (curve_error s))) in E1, E2 by lra. rewrite (Rabs_pos_eq (V (fst b))) in E1 by lra. rewrite (Rabs_pos_eq (V (snd b))) in E2 by lra.
    split.
    - destruct L1 as [L1 | L1]; [| unabs; numeric].
      assert (R0 : V (fst b - curve_error s)%float = - V (curve_error s)).
      { rewrite R1, L1, Rminus_0_l. unfold rnd. rewrite round_generic; [reflexivity | typeclasses eauto |]. apply generic_format_opp, format_V. }
      unabs. lra.
    - destruct U1 as [U1 | U1]; [| unabs; numeric].
      assert (R0 : V (snd b + curve_error s)%float = 1 + V (curve_error s)).
      { rewrite R2, U1. apply round_generic; [typeclasses eauto |]. destruct s; cbn [curve_error].
        - rewrite V_0, Rplus_0_r. rewrite <- V_1. apply format_V.
        - replace (1 + V 0x1p-20) with (V (1 + 0x1p-20)%float); [apply format_V |].
          literal_V (1 + 0x1p-20)%float. literal_V 0x1p-20%float. simpl. lra. }
      unabs. lra.
  Qed.

  Lemma doubled : fin (2 * l)%float -> fin (2 * h)%float -> V (2 * l)%float <= 2 * x <= V (2 * h)%float.
  Proof. intros F1 F2. destruct (twice_V _ F1) as (_ & ->). destruct (twice_V _ F2) as (_ & ->). lra. Qed.

  Lemma tanh_line_sound : let n := tanh_line l h in line_finite n = true ->
    V (s_lo n) * x + V (k_lo n) <= tanh x <= V (s_hi n) * x + V (k_hi n).
  Proof.
    intros n F. destruct (line_finite_fin _ F) as (Fs1 & Fs2 & F1 & F2). unfold n, tanh_line in *.
    pose proof (sigmoid_curve_sound (2 * l) (2 * h) (2 * x) doubled) as H. destruct (sigmoid_curve (2 * l) (2 * h)) as [c b]. cbn [fst s_lo s_hi k_lo k_hi] in *.
    destruct H as (L & U & _). rewrite tanh_is_sigmoid.
    destruct (fourfold_V _ Fs1) as (_ & ->). destruct (fourfold_V _ Fs2) as (_ & ->).
    destruct (lower_V _ _ F1) as (G1 & _ & L1); [rewrite V_0; lra |]. destruct (upper_V _ _ F2) as (G2 & _ & U1); [rewrite V_0; lra |]. rewrite V_0 in L1, U1.
    destruct (sub_V _ _ G1) as (K1 & _ & _ & E1). destruct (sub_V _ _ G2) as (K2 & _ & _ & E2).
    destruct (twice_V _ K1) as (Kf1 & T1). destruct (twice_V _ K2) as (Kf2 & T2). rewrite V_1, T1 in E1. rewrite V_1, T2 in E2.
    specialize (L Kf1). specialize (U Kf2). pose proof tau_positive.
    pose proof (Rabs_pos (V (2 * k_lo c - 1)%float)). pose proof (Rabs_pos (V (2 * k_hi c - 1)%float)).
    split; unabs; numeric.
  Qed.

  Lemma tanh_bounds_sound : forall s v, curve_holds s tanh x v ->
    let b := tanh_bounds s l h in fin (fst b) -> fin (snd b) -> V (fst b) <= v <= V (snd b).
  Proof.
    intros s v Hv. unfold tanh_bounds. pose proof (sigmoid_curve_sound (2 * l) (2 * h) (2 * x) doubled) as H.
    destruct (sigmoid_curve (2 * l) (2 * h)) as [c b]. destruct H as (_ & _ & L & U). cbn [fst snd]. intros F1 F2.
    destruct (curve_error_V _ _ _ _ Hv) as (E0 & E). rewrite tanh_is_sigmoid in E. pose proof (sigmoid_within (2 * x)).
    assert (V40 : V 0x1p-40 = 8192 * d) by (literal_V 0x1p-40%float; unfold d; simpl; lra).
    destruct (sub_any _ _ F1) as (G1 & _ & E1). destruct (sub_any _ _ G1) as (G2 & _ & E2). destruct (sub_any _ _ G2) as (G3 & _ & E3).
    destruct (add_any _ _ F2) as (G4 & _ & E4). destruct (add_any _ _ G4) as (G5 & _ & E5). destruct (sub_any _ _ G5) as (G6 & _ & E6).
    destruct (twice_V _ G3) as (Fb1 & T1). destruct (twice_V _ G6) as (Fb2 & T2).
    rewrite V_1, T1, Rabs_R1 in E3. rewrite V_1, T2, Rabs_R1 in E6. rewrite V40 in E2, E5.
    destruct (L Fb1) as (L0 & L1). destruct (U Fb2) as (U0 & U1).
    rewrite (Rabs_pos_eq (V (curve_error s))) in E1, E4 by lra. rewrite (Rabs_pos_eq (8192 * d)) in E2, E5 by numeric.
    rewrite (Rabs_pos_eq (2 * V _)) in E3 by lra. rewrite (Rabs_pos_eq (2 * V _)) in E6 by lra.
    assert (B1 : V (fst b) <= sigmoid (2 * x)) by (destruct L1; numeric). assert (B2 : sigmoid (2 * x) <= V (snd b)) by (destruct U1; numeric).
    assert (A1 : Rabs (V (2 * fst b - 1)%float) <= 2) by (apply Rabs_le; unabs; numeric).
    assert (A2 : Rabs (V (2 * fst b - 1 - 0x1p-40)%float) <= 3) by (apply Rabs_le; unabs; numeric).
    assert (A3 : Rabs (V (2 * snd b - 1)%float) <= 2) by (apply Rabs_le; unabs; numeric).
    assert (A4 : Rabs (V (2 * snd b - 1 + 0x1p-40)%float) <= 3) by (apply Rabs_le; unabs; numeric).
    unabs. split; numeric.
  Qed.
End Curve.
