(* The backward sweep (spec/certificate.md section 7): what it computes is a lower
   bound of its target at every execution inside the bounds.

   The proof goes down with the sweep: after an operator the form c + sum A_e y_e is
   not greater than before. Its finiteness is read backwards: a finite result makes
   every number before it finite. Relies on Rounding and Store. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Lra Lia Psatz Floats Uint63.
From Coq Require PArray.
From AxiomProofs Require Import Lists Binary64 Semantics Rounding AffineRows Store.
Import ListNotations.
Local Open Scope R_scope.
Local Open Scope bool_scope.

Notation array := PArray.array.

(* A row as a sweep reads it: y >= b_lo + t_lo . y and y <= b_hi + t_hi . y, up to q. *)
Record srow := Srow { b_lo : float; b_hi : float; q : float; t_lo : list (int * float); t_hi : list (int * float) }.

(* Floats in blocks, which take fewer steps to walk than a list. *)
Inductive pack := Nil | One (a : float) (r : pack) | Eight (a b c d e f g h : float) (r : pack).

Fixpoint pack_of (l : list float) : pack :=
  match l with
  | a :: b :: c :: d :: e :: f :: g :: h :: r => Eight a b c d e f g h (pack_of r)
  | a :: r => One a (pack_of r)
  | [] => Nil
  end.

(* Where the terms of the rows are: anywhere; one in every column, the same below and
   above, with their weights; at most one, in the column at the row's place. *)
Inductive shape := Scattered | Dense (weights : list pack) | Diagonal.

Record sop := Sop {
  o_first : int;
  o_rows : list (int * srow);  (* with their elements, increasing *)
  o_m : nat;                   (* rows, or terms in a column, whichever is more *)
  o_under : float;             (* tau * (1 + N * XM) *)
  o_read : list int;           (* elements of the operators read, increasing *)
  o_shape : shape;
  o_groups : list (list int)   (* softmax: the elements of each group, to whose sum the row at its place applies *)
}.

Definition at_most_one (e : int) (t : list (int * float)) : Prop := t = [] \/ exists s, t = [(e, s)].

Definition shape_ok (o : sop) : Prop :=
  match o_shape o with
  | Scattered => True
  | Dense weights => weights = map (fun er => pack_of (map snd (t_lo (snd er)))) (o_rows o) /\
      Forall (fun er => t_hi (snd er) = t_lo (snd er) /\ map fst (t_lo (snd er)) = o_read o) (o_rows o)
  | Diagonal => Forall2 (fun e er => at_most_one e (t_lo (snd er)) /\ at_most_one e (t_hi (snd er))) (o_read o) (o_rows o)
  end.

Definition b_of (a : float) (r : srow) : float := if (0 <? a)%float then b_lo r else b_hi r.
Definition t_of (a : float) (r : srow) : list (int * float) := if (0 <? a)%float then t_lo r else t_hi r.

Definition active (A : array float) (rows : list (int * srow)) : list (float * srow) :=
  filter (fun p => negb (fst p =? 0)%float) (map (fun er => (read A (fst er), snd er)) rows).

Definition contributions (act : list (float * srow)) : list contribution :=
  flat_map (fun p => map (fun t => (fst t, (fst p, snd t))) (t_of (fst p) (snd p))) act.

(* temp, from zeros *)
Definition accumulate (act : list (float * srow)) (temp : array float) : array float :=
  fold_left (fun temp p => let a := fst p in
    fold_left (fun temp t => write temp (fst t) (read temp (fst t) + a * snd t)%float) (t_of a (snd p)) temp) act temp.

Definition small (a : float) : bool := (abs a <=? 0x1p500)%float.
Definition small_constant (c : float) : bool := (abs c <=? 0x1p1000)%float.

Definition step_constant (m : nat) (under c t1 t2 t3 : float) : float :=
  (((c + t1) - t2) - (((2 * float_of_nat m + 16) * U) * ((abs c + t3) + t2) + under))%float.

Definition t1_of (act : list (float * srow)) : float := fsum (fun p => fst p * b_of (fst p) (snd p))%float act 0.
Definition t2_of (act : list (float * srow)) : float := fsum (fun p => abs (fst p) * q (snd p))%float act 0.
Definition t3_of (act : list (float * srow)) : float := fsum (fun p => abs (fst p) * abs (b_of (fst p) (snd p)))%float act 0.

(* Step 4: (element, (A, temp)) where temp is not 0 *)
Definition touched (A temp : array float) (cols : list int) : list (int * (float * float)) :=
  filter (fun p => negb (snd (snd p) =? 0)%float) (map (fun e => (e, (read A e, read temp e))) cols).
Definition total (p : int * (float * float)) : float := (fst (snd p) + snd (snd p))%float.
Definition both (l : list (int * (float * float))) := filter (fun p => negb (fst (snd p) =? 0)%float) l.
Definition merge_size (x : int -> float) (l : list (int * (float * float))) : float :=
  fsum (fun p => abs (total p) * x (fst p))%float (both l) 0.
Definition merge_constant (x : int -> float) (c : float) (l : list (int * (float * float))) : float :=
  match both l with [] => c | _ => charge c ((2 * U) * merge_size x l) end.
Definition merge_form (A : array float) (l : list (int * (float * float))) : array float :=
  fold_left (fun A p => write A (fst p) (total p)) l A.

Definition sweep_op (x : int -> float) (o : sop) (c : float) (A : array float) : option (float * array float) :=
  match active A (o_rows o) with
  | [] => Some (c, A)
  | act =>
      if forallb (fun p => small (fst p)) act && small_constant c then
        let temp := accumulate act (zeros_like A) in
        let c' := step_constant (o_m o) (o_under o) c (t1_of act) (t2_of act) (t3_of act) in
        let l := touched A temp (o_read o) in
        Some (merge_constant x c' l, merge_form A l)
      else None
  end.

(* ---- Step 3: the constant *)

Lemma V_2 : V 2 = 2. Proof. literal_V 2%float. simpl. lra. Qed.
Lemma V_16 : V 16 = 16. Proof. literal_V 16%float. simpl. lra. Qed.

Lemma unit_charge_V : forall m : nat, (Z.of_nat m <= 2 ^ 40)%Z -> fin ((2 * float_of_nat m + 16) * U)%float ->
  V ((2 * float_of_nat m + 16) * U)%float = (4 * INR m + 32) * d.
Proof.
  intros m Hm H. destruct (mul_fin _ _ H) as (Fa & _ & ->). destruct (add_fin _ _ Fa) as (F2 & _ & ->).
  destruct (mul_fin _ _ F2) as (_ & _ & ->).
  destruct (float_of_nat_V m) as (_ & ->); [lia |]. rewrite V_2, V_16.
  replace (2 * INR m) with (INR (2 * m)) by (rewrite mult_INR; simpl; ring). rewrite rnd_INR by lia.
  replace (INR (2 * m) + 16) with (INR (2 * m + 16)) by (rewrite plus_INR; simpl; ring). rewrite rnd_INR by lia.
  rewrite V_U. replace (2 * d) with (p2 (-52)) by (unfold d; simpl; lra).
  rewrite rnd_scale; [| | | lia].
  - rewrite plus_INR, mult_INR. replace (p2 (-52)) with (2 * d) by (unfold d; simpl; lra). simpl. ring.
  - destruct (float_of_nat_V (2 * m + 16)) as (_ & <-); [lia |]. apply format_V.
  - rewrite Rabs_pos_eq by apply pos_INR. apply Rle_trans with 1; [change 1 with (p2 0); apply bpow_le; lia |].
    apply (le_INR 1). lia.
Qed.

Lemma step_constant_le : forall (m : nat) under c t1 t2 t3 T1 T2 B,
  (Z.of_nat m <= 2 ^ 40)%Z -> fin (step_constant m under c t1 t2 t3) ->
  0 <= B -> 0 <= T2 -> Rabs T1 <= B -> 0 <= V t2 -> 0 <= V t3 -> tauR / 2 <= V under ->
  Rabs (V t1 - T1) <= (INR m + 1) * d * (4001 / 4000) * B + 4 * INR m * w ->
  Rabs (V t2 - T2) <= (INR m + 1) * d * (4001 / 4000) * T2 + 4 * INR m * w ->
  Rabs (V t3 - B) <= (INR m + 1) * d * (4001 / 4000) * B + 4 * INR m * w ->
  fin c /\ V (step_constant m under c t1 t2 t3) + T2 * (1 + 7 * d) + V under * (1 - 4 * d) - tauR / 100 <= V c + T1.
Proof.
  intros m under c t1 t2 t3 T1 T2 B Hm H HB HT2 HT1 P2 P3 Pu E1 E2 E3.
  pose proof w_positive as Hw. pose proof tau_w as Ht.
  assert (HM : 0 <= INR m <= 1099511627776).
  { split; [apply pos_INR |]. rewrite INR_IZR_INZ. apply (IZR_le _ (2 ^ 40)). exact Hm. }
  unfold step_constant in *.
  destruct (sub_any _ _ H) as (Fc2 & Fch & R3). destruct (sub_any _ _ Fc2) as (Fc1 & _ & R2). destruct (add_any _ _ Fc1) as (Fc & _ & R1).
  destruct (add_fin _ _ Fch) as (Fp & _ & _). destruct (mul_fin _ _ Fp) as (Fg & Fz & _). destruct (add_fin _ _ Fz) as (Fz1 & _ & _).
  destruct (add_pos _ _ Fz1) as (_ & _ & (Z1 & _)); [rewrite abs_V; apply Rabs_pos | exact P3 |]. rewrite abs_V in Z1.
  assert (PZ1 : 0 <= V (abs c + t3)%float) by (apply add_sign; auto; rewrite abs_V; apply Rabs_pos).
  destruct (add_pos _ _ Fz) as (_ & _ & (Z2 & _)); [exact PZ1 | exact P2 |].
  assert (PZ : 0 <= V (abs c + t3 + t2)%float) by (apply add_sign; auto).
  assert (Hg := unit_charge_V m Hm Fg).
  destruct (mul_pos _ _ Fp) as (_ & _ & (Ep & _)); [rewrite Hg; numeric | exact PZ |]. rewrite Hg in Ep.
  assert (PP : 0 <= V ((2 * float_of_nat m + 16) * U * (abs c + t3 + t2))%float) by (apply mul_sign; auto; rewrite Hg; numeric).
  destruct (add_pos _ _ Fch) as (_ & _ & (Ech & _)); [exact PP | lra |].
  assert (PCh : 0 <= V ((2 * float_of_nat m + 16) * U * (abs c + t3 + t2) + under)%float) by (apply add_sign; auto; lra).
  split; [exact Fc |].
  rewrite (Rabs_pos_eq _ PCh) in R3. rewrite (Rabs_pos_eq _ P2) in R2.
  set (c1 := V (c + t1)%float) in *. set (c2 := V (c + t1 - t2)%float) in *.
  set (ch := V ((2 * float_of_nat m + 16) * U * (abs c + t3 + t2) + under)%float) in *.
  set (p := V ((2 * float_of_nat m + 16) * U * (abs c + t3 + t2))%float) in *.
  set (z := V (abs c + t3 + t2)%float) in *. set (z1 := V (abs c + t3)%float) in *.
  set (c3 := V (_ - _)%float) in *.
  set (x1 := V t1) in *. set (x2 := V t2) in *. set (x3 := V t3) in *. set (C := V c) in *. set (M := INR m) in *.
  clearbody c1 c2 ch p z z1 c3 x1 x2 x3 C M.
  clear - R1 R2 R3 Z1 Z2 Ep Ech HB HT2 HT1 P2 P3 Pu E1 E2 E3 Hw Ht HM PZ PZ1 PP PCh.
  pose proof (Rabs_pos C) as HC.
  assert (HMw : 0 <= M * w <= 1099511627776 * w) by (split; [apply Rmult_le_pos; lra | apply Rmult_le_compat_r; lra]).
  assert (HMB : 0 <= M * B) by (apply Rmult_le_pos; lra).
  assert (HMT : 0 <= M * T2) by (apply Rmult_le_pos; lra).
  assert (HMC : 0 <= M * Rabs C) by (apply Rmult_le_pos; lra).
  assert (HkB : (M + 1) * d * (4001 / 4000) * B <= / 1000 * B) by (apply Rmult_le_compat_r; [lra | numeric]).
  assert (HkT : (M + 1) * d * (4001 / 4000) * T2 <= / 1000 * T2) by (apply Rmult_le_compat_r; [lra | numeric]).
  assert (A1 : Rabs x1 <= B + (M + 1) * d * (4001 / 4000) * B + 4 * M * w).
  { replace x1 with (T1 + (x1 - T1)) by ring. eapply Rle_trans; [apply Rabs_triang | lra]. }
  assert (Ac1 : Rabs c1 <= (1 + d) * (Rabs C + Rabs x1)).
  { replace c1 with ((C + x1) + (c1 - (C + x1))) by ring. eapply Rle_trans; [apply Rabs_triang |].
    pose proof (Rabs_triang C x1). numeric. }
  assert (Ac2 : Rabs c2 <= (1 + d) * (Rabs c1 + x2)).
  { replace c2 with ((c1 - x2) + (c2 - (c1 - x2))) by ring. eapply Rle_trans; [apply Rabs_triang |].
    pose proof (Rabs_minus_le c1 x2). rewrite (Rabs_pos_eq x2) in * by lra. numeric. }
  assert (Rx1 := Rabs_pos x1). assert (Rc1 := Rabs_pos c1). assert (Rc2 := Rabs_pos c2).
  unabs.
  assert (Hz : (1 - / 500) * (Rabs C + B + T2) - 9 * M * w <= z) by numeric.
  assert (Hp : (4 * M + 32) * d * ((1 - / 500) * (Rabs C + B + T2) - 9 * M * w) <= (4 * M + 32) * d * z).
  { apply Rmult_le_compat_l; [numeric | exact Hz]. }
  assert (Hq : (4 * M + 32) * d * (9 * M * w) <= / 100 * (9 * M * w)).
  { apply Rmult_le_compat_r; [lra | numeric]. }
  assert (Hr : (4 * M + 32) * d * ((1 - / 500) * (Rabs C + B + T2)) - M * w <= (4 * M + 32) * d * z) by lra.
  assert (Hs : (4 * M + 32) * d * ((1 - / 400) * (Rabs C + B + T2)) - M * w - w <= p) by numeric.
  assert (Hs' : (4 * M + 32) * d * ((1 - / 300) * (Rabs C + B + T2)) - M * w - w + V under * (1 - d) <= ch) by numeric.
  numeric.
Qed.

Lemma step_constant_fin : forall m under c t1 t2 t3, fin (step_constant m under c t1 t2 t3) ->
  fin c /\ fin t1 /\ fin t2 /\ fin t3 /\ fin under.
Proof.
  intros m under c t1 t2 t3 H. unfold step_constant in H.
  destruct (sub_fin _ _ H) as (F1 & F2 & _). destruct (sub_fin _ _ F1) as (F3 & Ft2 & _). destruct (add_fin _ _ F3) as (Fc & Ft1 & _).
  destruct (add_fin _ _ F2) as (F4 & Fu & _). destruct (mul_fin _ _ F4) as (_ & F5 & _). destruct (add_fin _ _ F5) as (F6 & _ & _).
  destruct (add_fin _ _ F6) as (_ & Ft3 & _). repeat split; assumption.
Qed.

(* The constant after step 3 accounts for the rows' constants and errors. *)
Lemma rows_constant : forall (m : nat) under act,
  (length act <= m)%nat -> (forall p, In p act -> fin (q (snd p)) -> 0 <= V (q (snd p))) -> (Z.of_nat m <= 2 ^ 40)%Z ->
  forall c, INR m + 1 <= 1099511627776 ->
  fin (step_constant m under c (t1_of act) (t2_of act) (t3_of act)) -> tauR / 2 <= V under ->
  fin c /\ (forall p, In p act -> fin (fst p) /\ fin (b_of (fst p) (snd p)) /\ fin (q (snd p))) /\
  V (step_constant m under c (t1_of act) (t2_of act) (t3_of act))
  + sum (fun p => Rabs (V (fst p)) * V (q (snd p))) act * (1 + 7 * d) + V under * (1 - 4 * d) - tauR / 100
  <= V c + sum (fun p => V (fst p) * V (b_of (fst p) (snd p))) act.
Proof.
  intros m under act Hlength Hsign Hm c HM H Hu. destruct (step_constant_fin _ _ _ _ _ _ H) as (Fc & F1 & F2 & F3 & Fu).
  pose proof w_positive as Hw. set (M := INR m) in *.
  assert (HM0 : 0 <= M <= 1099511627776) by (split; [apply pos_INR | lra]).
  assert (Hlen : INR (length act) <= M) by now apply le_INR.
  pose proof (pos_INR (length act)) as Hl0.
  assert (Fin1 : forall p, In p act -> fin (fst p * b_of (fst p) (snd p))%float).
  { destruct (fsum_error_power _ (fun p => fst p * b_of (fst p) (snd p))%float (fun p => V (fst p) * V (b_of (fst p) (snd p))) act 0%float)
      as (_ & F & _); [| exact F1 | exact F].
    intros p _ F. now destruct (mul_V _ _ F) as (_ & _ & E). }
  assert (Fin2 : forall p, In p act -> fin (abs (fst p) * q (snd p))%float).
  { destruct (fsum_error_power _ (fun p => abs (fst p) * q (snd p))%float (fun p => Rabs (V (fst p)) * V (q (snd p))) act 0%float)
      as (_ & F & _); [| exact F2 | exact F].
    intros p _ F. destruct (mul_V _ _ F) as (_ & _ & E). now rewrite abs_V in E. }
  assert (Hfin : forall p, In p act -> fin (fst p) /\ fin (b_of (fst p) (snd p)) /\ fin (q (snd p))).
  { intros p Hp. destruct (mul_fin _ _ (Fin1 p Hp)) as (A1 & A2 & _). destruct (mul_fin _ _ (Fin2 p Hp)) as (_ & A3 & _). auto. }
  assert (Hq : forall p, In p act -> 0 <= V (q (snd p))) by (intros p Hp; apply (Hsign p Hp), (Hfin p Hp)).
  destruct (fsum_error _ (fun p => fst p * b_of (fst p) (snd p))%float (fun p => V (fst p) * V (b_of (fst p) (snd p))) act 0%float)
    as (_ & _ & E1); [lra | | exact F1 |].
  { intros p _ F. now destruct (mul_V _ _ F) as (_ & _ & E). }
  destruct (fsum_error _ (fun p => abs (fst p) * q (snd p))%float (fun p => Rabs (V (fst p)) * V (q (snd p))) act 0%float)
    as (_ & _ & E2); [lra | | exact F2 |].
  { intros p _ F. destruct (mul_V _ _ F) as (_ & _ & E). now rewrite abs_V in E. }
  destruct (fsum_error _ (fun p => abs (fst p) * abs (b_of (fst p) (snd p)))%float
              (fun p => Rabs (V (fst p)) * Rabs (V (b_of (fst p) (snd p)))) act 0%float) as (_ & _ & E3); [lra | | exact F3 |].
  { intros p _ F. destruct (mul_V _ _ F) as (_ & _ & E). now rewrite !abs_V in E. }
  rewrite V_0, Rabs_R0, !Rplus_0_l in E1, E2, E3.
  set (T1 := sum (fun p => V (fst p) * V (b_of (fst p) (snd p))) act) in *.
  set (T2 := sum (fun p => Rabs (V (fst p)) * V (q (snd p))) act) in *.
  set (B := sum (fun p => Rabs (V (fst p)) * Rabs (V (b_of (fst p) (snd p)))) act) in *.
  assert (HB : 0 <= B) by (apply sum_nonnegative; intros; apply Rmult_le_pos; apply Rabs_pos).
  assert (HT2 : 0 <= T2) by (apply sum_nonnegative; intros; apply Rmult_le_pos; [apply Rabs_pos | auto]).
  rewrite (sum_ext _ (fun p => Rabs (V (fst p) * V (b_of (fst p) (snd p)))) (fun p => Rabs (V (fst p)) * Rabs (V (b_of (fst p) (snd p))))) in E1
    by (intros; apply Rabs_mult). fold B in E1.
  rewrite (sum_ext _ (fun p => Rabs (Rabs (V (fst p)) * V (q (snd p)))) (fun p => Rabs (V (fst p)) * V (q (snd p)))) in E2
    by (intros; apply Rabs_pos_eq, Rmult_le_pos; [apply Rabs_pos | auto]). fold T2 in E2.
  rewrite (sum_ext _ (fun p => Rabs (Rabs (V (fst p)) * Rabs (V (b_of (fst p) (snd p))))) (fun p => Rabs (V (fst p)) * Rabs (V (b_of (fst p) (snd p))))) in E3
    by (intros; apply Rabs_pos_eq, Rmult_le_pos; apply Rabs_pos). fold B in E3.
  assert (HT1 : Rabs T1 <= B).
  { eapply Rle_trans; [apply sum_abs |]. apply sum_le. intros. rewrite Rabs_mult. lra. }
  assert (Hmono : forall Z, 0 <= Z -> (INR (length act) + 1) * d * (4001 / 4000) * Z + 4 * INR (length act) * w
                            <= (M + 1) * d * (4001 / 4000) * Z + 4 * M * w).
  { intros Z HZ. apply Rplus_le_compat; [apply Rmult_le_compat_r; [exact HZ | numeric] | apply Rmult_le_compat_r; lra]. }
  split; [exact Fc |]. split; [exact Hfin |].
  apply (step_constant_le m under c (t1_of act) (t2_of act) (t3_of act) T1 T2 B Hm); auto.
  - apply fsum_sign; [exact F2 | rewrite V_0; lra |]. intros p Hp F. apply mul_sign; auto. rewrite abs_V. apply Rabs_pos.
  - apply fsum_sign; [exact F3 | rewrite V_0; lra |]. intros p Hp F. apply mul_sign; auto; rewrite abs_V; apply Rabs_pos.
  - eapply Rle_trans; [exact E1 | now apply Hmono].
  - eapply Rle_trans; [exact E2 | now apply Hmono].
  - eapply Rle_trans; [exact E3 | now apply Hmono].
Qed.

(* ---- Step 4: merging *)

Lemma merge_size_store : forall l A, size (merge_form A l) = size A.
Proof. induction l as [| p l IH]; intros A; [reflexivity |]. simpl. rewrite IH. apply size_write. Qed.

Definition key (p : int * (float * float)) : nat := idx (fst p).

Lemma merge_form_other : forall l A j, (forall p, In p l -> (key p < size A)%nat) -> (j < size A)%nat ->
  ~ In j (map key l) -> nat_at (merge_form A l) j = nat_at A j.
Proof.
  induction l as [| p l IH]; intros A j Hl Hj Hn; [reflexivity |].
  change (merge_form A (p :: l)) with (merge_form (write A (fst p) (total p)) l).
  rewrite IH.
  - rewrite nat_at_write by (auto; apply Hl; now left). destruct (Nat.eqb_spec j (idx (fst p))) as [He | He]; [| reflexivity].
    exfalso. apply Hn. left. symmetry. exact He.
  - intros. rewrite size_write. apply Hl. now right.
  - now rewrite size_write.
  - intros Hi. apply Hn. now right.
Qed.

Lemma merge_form_at : forall l A p, (forall p, In p l -> (key p < size A)%nat) -> NoDup (map key l) -> In p l ->
  nat_at (merge_form A l) (key p) = total p.
Proof.
  induction l as [| p0 l IH]; intros A p Hl Hn Hp; [easy |].
  change (merge_form A (p0 :: l)) with (merge_form (write A (fst p0) (total p0)) l).
  cbn [map] in Hn. inversion Hn as [| ? ? Hni Hn']; subst. destruct Hp as [-> | Hp].
  - rewrite merge_form_other.
    + unfold key at 1. rewrite nat_at_write by (apply Hl; now left). now rewrite Nat.eqb_refl.
    + intros. rewrite size_write. apply Hl. now right.
    + rewrite size_write. apply Hl. now left.
    + exact Hni.
  - apply IH; auto. intros. rewrite size_write. apply Hl. now right.
Qed.

Lemma merge_form_value : forall l A n y, (forall p, In p l -> (key p < n)%nat) -> (n <= size A)%nat -> NoDup (map key l) ->
  (forall p, In p l -> fst (snd p) = read A (fst p)) ->
  form (merge_form A l) n y = form A n y + sum (fun p => (V (total p) - V (fst (snd p))) * y (key p)) l.
Proof.
  induction l as [| p l IH]; intros A n y Hl Hn Hd Ha; [simpl; ring |].
  change (merge_form A (p :: l)) with (merge_form (write A (fst p) (total p)) l).
  cbn [map] in Hd. inversion Hd as [| ? ? Hni Hd']; subst.
  rewrite IH.
  - rewrite form_write by (auto; apply Hl; now left). rewrite <- (Ha p (or_introl eq_refl)).
    change (sum ?f (p :: l)) with (f p + sum f l). cbv beta. fold (key p). ring.
  - intros. apply Hl. now right.
  - now rewrite size_write.
  - exact Hd'.
  - intros p' Hp'. rewrite Ha by now right. rewrite !get_nat_at.
    assert (Hk : (key p' < n)%nat) by (apply Hl; now right). assert (Hk0 : (key p < n)%nat) by (apply Hl; now left).
    unfold key in *. rewrite nat_at_write by lia. destruct (Nat.eqb_spec (idx (fst p')) (idx (fst p))) as [He | He]; [| reflexivity].
    exfalso. apply Hni. unfold key. rewrite <- He. now apply (in_map key) in Hp'.
Qed.

Section Merge.
  Variables (x : int -> float) (y : execution).

  Lemma rounding_of_totals : forall l,
    (forall p, In p l -> fin (total p) /\ Rabs (y (key p)) <= V (x (fst p))) ->
    sum (fun p => (V (total p) - V (fst (snd p))) * y (key p)) l <=
    sum (fun p => V (snd (snd p)) * y (key p)) l + d * sum (fun p => Rabs (V (total p)) * V (x (fst p))) (both l).
  Proof.
    induction l as [| p l IH]; intros H; [unfold both, sum; simpl; lra |].
    specialize (IH (fun p Hp => H p (or_intror Hp))). destruct (H p (or_introl eq_refl)) as (F & Hy).
    change (sum ?f (p :: l)) with (f p + sum f l). cbv beta.
    unfold both in *. cbn [filter]. unfold total in F. destruct (add_V _ _ F) as (Fa & Ft & _ & E).
    destruct (fst (snd p) =? 0)%float eqn:Ha; cbn [negb].
    - apply eqb_zero in Ha. destruct Ha as (_ & Ha). unfold total at 1.
      destruct (add_fin _ _ F) as (_ & _ & ->). rewrite Ha, Rplus_0_l, rnd_V. lra.
    - change (sum ?f (p :: ?m)) with (f p + sum f m) in *. cbv beta. fold (total p) in E.
      pose proof (Rabs_pos (y (key p))) as Py. pose proof (Rabs_pos (V (total p))) as Pt.
      set (z := V (total p)) in *. set (a := V (fst (snd p))) in *. set (t := V (snd (snd p))) in *.
      assert ((z - a) * y (key p) <= t * y (key p) + d * (Rabs z * V (x (fst p)))).
      { replace ((z - a) * y (key p)) with (t * y (key p) + (z - (a + t)) * y (key p)) by ring.
        apply Rplus_le_compat_l. eapply Rle_trans; [apply Rle_abs |]. rewrite Rabs_mult.
        apply Rle_trans with (d * Rabs z * Rabs (y (key p))).
        - apply Rmult_le_compat_r; assumption.
        - rewrite <- Rmult_assoc. apply Rmult_le_compat_l; [apply Rmult_le_pos; numeric | exact Hy]. }
      lra.
  Qed.

  Lemma merge_constant_le : forall c l, INR (length l) <= 2147483648 -> fin (merge_constant x c l) ->
    (forall p, In p l -> 0 <= V (x (fst p))) ->
    fin c /\ V (merge_constant x c l) <= V c - d * sum (fun p => Rabs (V (total p)) * V (x (fst p))) (both l) + tauR / 100.
  Proof.
    intros c l Hl H Hx. pose proof w_positive. pose proof tau_w. unfold merge_constant in *.
    destruct (both l) as [| p0 l0] eqn:Hb; [split; [exact H | unfold sum; simpl; lra] |]. rewrite <- Hb in *.
    assert (F0 : fin (2 * U * merge_size x l)%float).
    { unfold charge in H. destruct (sub_fin _ _ H) as (_ & Ft & _). now destruct (add_fin _ _ Ft). }
    destruct (mul_fin _ _ F0) as (_ & Fm & _).
    assert (Hlen : (length (both l) <= length l)%nat) by apply filter_length_le.
    apply le_INR in Hlen. pose proof (pos_INR (length (both l))) as Hn.
    assert (Hx' : forall p, In p (both l) -> 0 <= V (x (fst p))) by (intros p Hp; apply filter_In in Hp; apply Hx; tauto).
    destruct (fsum_pos _ (fun p => abs (total p) * x (fst p))%float (fun p => Rabs (V (total p)) * V (x (fst p))) (both l) 0%float)
      as (P & _); [lra | rewrite V_0; lra | | | exact Fm |].
    { intros p Hp. apply Rmult_le_pos; [apply Rabs_pos | auto]. }
    { intros p Hp F. destruct (mul_V _ _ F) as (_ & _ & E). rewrite abs_V in E. exact E. }
    rewrite V_0, Rplus_0_l in P. fold (merge_size x l) in P.
    assert (P0 : 0 <= V (merge_size x l)).
    { apply fsum_sign; [exact Fm | rewrite V_0; lra |]. intros p Hp F. apply mul_sign; auto. rewrite abs_V. apply Rabs_pos. }
    destruct (mul_pos _ _ F0) as (_ & _ & (Eu & _)); [rewrite V_2U; numeric | exact P0 |]. rewrite V_2U in Eu.
    assert (Pu : 0 <= V (2 * U * merge_size x l)%float) by (apply mul_sign; auto; rewrite V_2U; numeric).
    destruct (charge_le _ _ H Pu) as (Fc & _ & Hc). split; [exact Fc |].
    set (T := sum (fun p => Rabs (V (total p)) * V (x (fst p))) (both l)) in *.
    assert (HT : 0 <= T) by (apply sum_nonnegative; intros p Hp; apply Rmult_le_pos; [apply Rabs_pos | auto]).
    set (n := INR (length (both l))) in *.
    assert (n * w <= 2147483648 * w) by (apply Rmult_le_compat_r; lra).
    assert ((n + 1) * d * (4001 / 4000) * T <= / 1000 * T) by (apply Rmult_le_compat_r; [lra | numeric]).
    assert (V (merge_size x l) >= (1 - / 1000) * T - 4 * n * w) by lra.
    assert (0 <= n * w) by (apply Rmult_le_pos; lra).
    numeric.
  Qed.
End Merge.

(* ---- One operator *)

(* What the row of an operator must satisfy at the value v of its element: with q
   there is room for the error of the relation and for that of the column sums. *)
Definition side_sound (M : R) (y : execution) (r : srow) (b : float) (t : list (int * float)) (holds : R -> Prop) : Prop :=
  fin b -> (forall u, In u t -> fin (snd u)) ->
  exists eps, holds eps /\ eps + (2 * M + 2) * d * absolute_sum y t + tauR / 2 <= V (q r) * (1 + 6 * d).

Definition sound_row (M : R) (y : execution) (r : srow) (v : R) : Prop :=
  fin (q r) -> 0 <= V (q r) /\
  side_sound M y r (b_lo r) (t_lo r) (fun eps => V (b_lo r) + weighted_sum y (t_lo r) - eps <= v) /\
  side_sound M y r (b_hi r) (t_hi r) (fun eps => v <= V (b_hi r) + weighted_sum y (t_hi r) + eps).

Definition picked (pick : int * srow -> bool) (rows : list (int * srow)) : list (int * float) :=
  flat_map (fun er => if pick er then t_lo (snd er) else t_hi (snd er)) rows.

Record sound_op (y : execution) (x : int -> float) (n : nat) (o : sop) : Prop := {
  so_elements : map (fun er => idx (fst er)) (o_rows o) = seq n (length (o_rows o));
  so_m : (Z.of_nat (o_m o) <= 2 ^ 40)%Z;
  so_rows : (length (o_rows o) <= o_m o)%nat;
  so_row : forall er, In er (o_rows o) -> sound_row (INR (o_m o)) y (snd er) (y (idx (fst er)));
  so_cols : NoDup (map idx (o_read o));
  so_below : forall e, In e (o_read o) -> (idx e < n)%nat;
  so_few : INR (length (o_read o)) <= 2147483648;
  so_terms : forall pick t, In t (picked pick (o_rows o)) -> In (idx (fst t)) (map idx (o_read o));
  so_x : forall e, In e (o_read o) -> Rabs (y (idx e)) <= V (x e);
  so_count : forall pick j, (length (filter (fun t => Nat.eqb (idx (fst t)) j) (picked pick (o_rows o))) <= o_m o)%nat;
  so_under : exists N xm, 0 <= xm /\ (forall pick, INR (length (picked pick (o_rows o))) <= N) /\
    (forall e, In e (o_read o) -> Rabs (y (idx e)) <= xm) /\
    (fin (o_under o) -> tauR * (1 - 10 * d) * (1 + N * xm) <= V (o_under o));
  so_shape : shape_ok o
}.

Lemma fold_left_map : forall A B C (f : A -> B -> A) (g : C -> B) l a,
  fold_left f (map g l) a = fold_left (fun a c => f a (g c)) l a.
Proof. induction l as [| c l IH]; intros a; [reflexivity | apply IH]. Qed.

Lemma accumulate_contributions : forall act temp, accumulate act temp = fold_left add_one (contributions act) temp.
Proof.
  induction act as [| p act IH]; intros temp; [reflexivity |].
  unfold accumulate, contributions in *. cbn [fold_left flat_map]. rewrite fold_left_app, IH. f_equal.
  rewrite fold_left_map. reflexivity.
Qed.

Section Operator.
  Variables (y : execution) (x : int -> float) (n : nat) (o : sop).
  Hypothesis sound : sound_op y x n o.
  Variable A : array float.
  Let act := active A (o_rows o).
  Let cs := contributions act.
  Let M := INR (o_m o).
  Let pick (er : int * srow) : bool := (0 <? read A (fst er))%float.

  Definition lift (A : array float) (er : int * srow) : float * srow := (read A (fst er), snd er).

  Lemma act_in : forall p, In p act -> exists er, In er (o_rows o) /\ p = lift A er.
  Proof.
    intros p H. unfold act, active in H. apply filter_In in H. destruct H as (H & _). apply in_map_iff in H.
    destruct H as (er & <- & Her). now exists er.
  Qed.

  Lemma contributions_in : forall c, In c cs -> In (idx (fst c)) (map idx (o_read o)).
  Proof.
    intros c H. unfold cs, contributions in H. apply in_flat_map in H. destruct H as (p & Hp & Hc).
    apply in_map_iff in Hc. destruct Hc as (t & <- & Ht). destruct (act_in p Hp) as (er & Her & ->).
    apply (so_terms _ _ _ _ sound pick t). unfold picked. apply in_flat_map. exists er. split; [exact Her |].
    exact Ht.
  Qed.

  Lemma contributions_count : forall f, (forall e u v, f (e, u) = f (e, v)) ->
    (length (filter f cs) <= length (filter (fun t => f (fst t, (0%float, 0%float))) (picked pick (o_rows o))))%nat.
  Proof.
    intros f Hf. unfold cs, act, active, contributions, picked. induction (o_rows o) as [| er rows IH]; [simpl; lia |].
    cbn [map filter flat_map]. rewrite filter_app, app_length.
    assert (He : length (filter f (map (fun t => (fst t, (read A (fst er), snd t))) (t_of (read A (fst er)) (snd er))))
                 = length (filter (fun t => f (fst t, (0%float, 0%float))) (if pick er then t_lo (snd er) else t_hi (snd er)))).
    { unfold t_of, pick. generalize (if (0 <? read A (fst er))%float then t_lo (snd er) else t_hi (snd er)) as l. clear - Hf.
      induction l as [| t l IH]; [reflexivity |]. cbn [map filter]. rewrite (Hf (fst t) (read A (fst er), snd t) (0%float, 0%float)).
      destruct (f _); cbn [length]; now rewrite IH. }
    cbn [fst snd]. destruct (negb (read A (fst er) =? 0)%float); cbn [flat_map fst snd].
    - rewrite filter_app, app_length. rewrite He. apply Nat.add_le_mono; [apply Nat.le_refl | exact IH].
    - eapply Nat.le_trans; [exact IH | apply Nat.le_add_l].
  Qed.

  Lemma column_count : forall j, (length (filter (in_column j) cs) <= o_m o)%nat.
  Proof.
    intros j. eapply Nat.le_trans; [| apply (so_count _ _ _ _ sound pick j)].
    apply (contributions_count (in_column j)). reflexivity.
  Qed.

  Lemma contributions_few : forall N, (forall pick, INR (length (picked pick (o_rows o))) <= N) -> INR (length cs) <= N.
  Proof.
    intros N HN. eapply Rle_trans; [| apply (HN pick)]. apply le_INR.
    pose proof (contributions_count (fun _ => true) (fun _ _ _ => eq_refl)) as H.
    assert (G : forall B (l : list B), filter (fun _ => true) l = l) by (induction l as [| b l IH]; simpl; [reflexivity | now rewrite IH]).
    rewrite !G in H. exact H.
  Qed.

  Lemma act_length : (length act <= length (o_rows o))%nat.
  Proof. unfold act, active. eapply Nat.le_trans; [apply filter_length_le |]. now rewrite map_length. Qed.

  (* The target's part at this operator is at least what the rows give. *)
  Definition row_share (p : float * srow) : R :=
    V (fst p) * V (b_of (fst p) (snd p)) + V (fst p) * weighted_sum y (t_of (fst p) (snd p))
    - Rabs (V (fst p)) * (V (q (snd p)) * (1 + 6 * d))
    + (2 * M + 2) * d * (Rabs (V (fst p)) * absolute_sum y (t_of (fst p) (snd p))).

  Definition row_finite (p : float * srow) : Prop :=
    fin (fst p) /\ fin (b_of (fst p) (snd p)) /\ fin (q (snd p)) /\ forall u, In u (t_of (fst p) (snd p)) -> fin (snd u).

  Lemma row_share_le : forall er, In er (o_rows o) -> row_finite (lift A er) ->
    row_share (lift A er) <= V (read A (fst er)) * y (idx (fst er)).
  Proof.
    intros er Her (Fa & Fb & Fq & Ft). destruct (so_row _ _ _ _ sound er Her Fq) as (Q0 & Slo & Shi).
    unfold row_share, lift in *. cbn [fst snd] in *. set (a := read A (fst er)) in *. set (r := snd er) in *. fold M in Slo, Shi.
    unfold b_of, t_of in *. pose proof tau_positive. destruct (0 <? a)%float eqn:Hs.
    - apply ltb_V in Hs; auto using fin_0. rewrite V_0 in Hs. destruct (Slo Fb Ft) as (eps & Hv & He).
      rewrite (Rabs_pos_eq (V a)) by lra.
      set (W := weighted_sum y (t_lo r)) in *. set (Z := absolute_sum y (t_lo r)) in *.
      assert (V a * (V (b_lo r) + W - (V (q r) * (1 + 6 * d) - (2 * M + 2) * d * Z)) <= V a * y (idx (fst er))).
      { apply Rmult_le_compat_l; lra. }
      lra.
    - apply ltb_false in Hs; auto using fin_0. rewrite V_0 in Hs. destruct (Shi Fb Ft) as (eps & Hv & He).
      rewrite (Rabs_left1 (V a)) by lra.
      set (W := weighted_sum y (t_hi r)) in *. set (Z := absolute_sum y (t_hi r)) in *.
      assert ((- V a) * y (idx (fst er)) <= (- V a) * (V (b_hi r) + W + (V (q r) * (1 + 6 * d) - (2 * M + 2) * d * Z))).
      { apply Rmult_le_compat_l; lra. }
      lra.
  Qed.

  Lemma rows_share : (forall p, In p act -> row_finite p) ->
    sum row_share act <= sum (fun er => V (read A (fst er)) * y (idx (fst er))) (o_rows o).
  Proof.
    intros Hf. unfold act, active in *.
    assert (G : forall rows, (forall er, In er rows -> In er (o_rows o)) ->
      (forall p, In p (filter (fun p => negb (fst p =? 0)%float) (map (fun er => (read A (fst er), snd er)) rows)) -> row_finite p) ->
      sum row_share (filter (fun p => negb (fst p =? 0)%float) (map (fun er => (read A (fst er), snd er)) rows))
      <= sum (fun er => V (read A (fst er)) * y (idx (fst er))) rows).
    { induction rows as [| er rows IH]; intros Hin Hfin; [unfold sum; simpl; lra |].
      cbn [map filter fst] in *. change (sum ?f (er :: rows)) with (f er + sum f rows). cbv beta.
      destruct (read A (fst er) =? 0)%float eqn:Hz; cbn [negb] in *.
      - apply eqb_zero in Hz. destruct Hz as (_ & Hz). rewrite Hz.
        specialize (IH (fun e He => Hin e (or_intror He)) Hfin). lra.
      - change (sum row_share (?p :: ?l)) with (row_share p + sum row_share l).
        specialize (IH (fun e He => Hin e (or_intror He)) (fun p Hp => Hfin p (or_intror Hp))).
        pose proof (row_share_le er (Hin er (or_introl eq_refl)) (Hfin _ (or_introl eq_refl))). unfold lift in *. lra. }
    apply G; auto.
  Qed.

  Hypothesis room : (n + length (o_rows o) <= size A)%nat.

  Lemma form_at_operator : form A (n + length (o_rows o)) y =
    form A n y + sum (fun er => V (read A (fst er)) * y (idx (fst er))) (o_rows o).
  Proof.
    rewrite form_split, <- (so_elements _ _ _ _ sound), sum_map. f_equal. apply sum_ext. intros er _.
    now rewrite get_nat_at.
  Qed.

  Lemma column_index : forall e, In e (o_read o) -> (idx e < size A)%nat.
  Proof. intros e He. pose proof (so_below _ _ _ _ sound e He). lia. Qed.

  Let temp := accumulate act (zeros_like A).

  Lemma temp_is_column : forall e, In e (o_read o) ->
    read temp e = fsum product (filter (in_column (idx e)) cs) 0.
  Proof.
    intros e He. unfold temp. rewrite get_nat_at, accumulate_contributions, column_sum.
    - now rewrite nat_at_zeros_like.
    - intros c Hc. rewrite size_zeros_like. apply contributions_in in Hc. apply in_map_iff in Hc. destruct Hc as (e' & <- & He').
      now apply column_index.
    - rewrite size_zeros_like. now apply column_index.
  Qed.

  Definition exact (c : contribution) : R := V (fst (snd c)) * V (snd (snd c)).

  Lemma M_bounds : 0 <= M <= 1099511627776.
  Proof.
    split; [apply pos_INR |]. unfold M. rewrite INR_IZR_INZ. apply (IZR_le _ (2 ^ 40)). apply (so_m _ _ _ _ sound).
  Qed.

  (* What temp is worth, up to the rounding of its columns. *)
  Lemma temp_value : forall N xm, 0 <= xm -> (forall pick, INR (length (picked pick (o_rows o))) <= N) ->
    (forall e, In e (o_read o) -> Rabs (y (idx e)) <= xm) ->
    M + 1 <= 1099511627776 ->
    (forall e, In e (o_read o) -> fin (read temp e)) ->
    sum (fun e => V (read temp e) * y (idx e)) (o_read o) <=
    sum (fun c => exact c * y (idx (fst c))) cs
    + (M + 1) * d * (4001 / 4000) * sum (fun c => Rabs (exact c) * Rabs (y (idx (fst c)))) cs + 4 * w * (N * xm).
  Proof.
    intros N xm Hxm HN Hy HM Hf.
    rewrite <- (sum_by_columns exact y (o_read o) cs (so_cols _ _ _ _ sound) contributions_in).
    rewrite <- (sum_by_columns (fun c => Rabs (exact c)) (fun i => Rabs (y i)) (o_read o) cs (so_cols _ _ _ _ sound) contributions_in).
    assert (Hcount : sum (fun e => sum (fun _ => 1) (filter (in_column (idx e)) cs) * Rabs (y (idx e))) (o_read o) <= N * xm).
    { rewrite (sum_by_columns (fun _ => 1) (fun i => Rabs (y i)) (o_read o) cs (so_cols _ _ _ _ sound) contributions_in).
      apply Rle_trans with (sum (fun _ => xm) cs).
      - apply sum_le. intros c Hc. apply contributions_in in Hc. apply in_map_iff in Hc. destruct Hc as (e & <- & He).
        specialize (Hy e He). lra.
      - rewrite sum_constant. apply Rmult_le_compat_r; [exact Hxm | now apply contributions_few]. }
    pose proof w_positive as Hw.
    apply Rle_trans with (sum (fun e => sum exact (filter (in_column (idx e)) cs) * y (idx e)
      + ((M + 1) * d * (4001 / 4000) * (sum (fun c => Rabs (exact c)) (filter (in_column (idx e)) cs) * Rabs (y (idx e)))
         + 4 * w * (sum (fun _ => 1) (filter (in_column (idx e)) cs) * Rabs (y (idx e))))) (o_read o)).
    - apply sum_le. intros e He. specialize (Hf e He). rewrite (temp_is_column e He) in *.
      set (l := filter (in_column (idx e)) cs) in *.
      assert (Hlen : INR (length l) <= M) by (apply le_INR, column_count).
      pose proof (pos_INR (length l)) as Hl0.
      destruct (fsum_error _ product exact l 0%float) as (_ & _ & E); [lra | | exact Hf |].
      { intros c _ F. now destruct (mul_V _ _ F) as (_ & _ & E). }
      rewrite V_0, Rabs_R0, !Rplus_0_l in E.
      set (T := sum (fun a => Rabs (exact a)) l) in *.
      assert (HT : 0 <= T) by (apply sum_nonnegative; intros; apply Rabs_pos).
      rewrite sum_constant, Rmult_1_r. pose proof (Rabs_pos (y (idx e))) as Py.
      set (v := V (fsum product l 0)) in *.
      assert (Ev : Rabs (v - sum exact l) <= (M + 1) * d * (4001 / 4000) * T + 4 * w * INR (length l)).
      { eapply Rle_trans; [exact E |]. apply Rplus_le_compat; [| lra]. apply Rmult_le_compat_r; [exact HT | numeric]. }
      replace (v * y (idx e)) with (sum exact l * y (idx e) + (v - sum exact l) * y (idx e)) by ring.
      apply Rplus_le_compat_l. eapply Rle_trans; [apply Rle_abs |]. rewrite Rabs_mult.
      apply Rle_trans with (((M + 1) * d * (4001 / 4000) * T + 4 * w * INR (length l)) * Rabs (y (idx e))).
      + now apply Rmult_le_compat_r.
      + lra.
    - rewrite sum_plus. rewrite sum_plus. rewrite !sum_scale.
      assert (4 * w * sum (fun e => sum (fun _ => 1) (filter (in_column (idx e)) cs) * Rabs (y (idx e))) (o_read o) <= 4 * w * (N * xm)).
      { apply Rmult_le_compat_l; lra. }
      lra.
  Qed.

  (* Sums over the active rows, by row and by contribution *)
  Lemma sum_contributions : forall f : contribution -> R,
    sum f cs = sum (fun p => sum (fun t => f (fst t, (fst p, snd t))) (t_of (fst p) (snd p))) act.
  Proof. intros. unfold cs, contributions. rewrite sum_flat_map. apply sum_ext. intros. apply sum_map. Qed.

  Lemma shares_sum : sum row_share act =
    sum (fun p => V (fst p) * V (b_of (fst p) (snd p))) act
    + sum (fun c => exact c * y (idx (fst c))) cs
    - (1 + 6 * d) * sum (fun p => Rabs (V (fst p)) * V (q (snd p))) act
    + (2 * M + 2) * d * sum (fun c => Rabs (exact c) * Rabs (y (idx (fst c)))) cs.
  Proof.
    rewrite !sum_contributions. cbn [fst snd]. rewrite <- !sum_scale.
    replace (sum row_share act) with (sum (fun p => V (fst p) * V (b_of (fst p) (snd p))
      + (sum (fun t => exact (fst t, (fst p, snd t)) * y (idx (fst t))) (t_of (fst p) (snd p))
      + (- ((1 + 6 * d) * (Rabs (V (fst p)) * V (q (snd p))))
      + (2 * M + 2) * d * sum (fun t => Rabs (exact (fst t, (fst p, snd t))) * Rabs (y (idx (fst t)))) (t_of (fst p) (snd p))))) act).
    - rewrite !sum_plus. replace (sum (fun p => - ((1 + 6 * d) * (Rabs (V (fst p)) * V (q (snd p))))) act)
        with (- sum (fun p => (1 + 6 * d) * (Rabs (V (fst p)) * V (q (snd p)))) act); [ring |].
      rewrite <- (Rmult_1_l (sum _ act)), Ropp_mult_distr_l, <- sum_scale. apply sum_ext. intros; ring.
    - apply sum_ext. intros p _. unfold row_share, weighted_sum, absolute_sum, exact. cbn [fst snd].
      rewrite <- !sum_scale.
      rewrite (sum_ext _ (fun t => V (fst p) * V (snd t) * y (idx (fst t))) (fun t => V (fst p) * (V (snd t) * at_element y (fst t))))
        by (intros; unfold at_element; ring).
      rewrite (sum_ext _ (fun t => (2 * M + 2) * d * (Rabs (V (fst p) * V (snd t)) * Rabs (y (idx (fst t)))))
                 (fun t => (2 * M + 2) * d * (Rabs (V (fst p)) * (Rabs (V (snd t)) * Rabs (at_element y (fst t))))))
        by (intros; unfold at_element; rewrite Rabs_mult; ring).
      replace ((2 * M + 2) * d * (Rabs (V (fst p)) * sum (fun t => Rabs (V (snd t)) * Rabs (at_element y (fst t))) (t_of (fst p) (snd p))))
        with (sum (fun t => (2 * M + 2) * d * (Rabs (V (fst p)) * (Rabs (V (snd t)) * Rabs (at_element y (fst t))))) (t_of (fst p) (snd p)))
        by (rewrite !sum_scale; reflexivity).
      ring.
  Qed.

  Lemma step_three : forall c,
    M + 1 <= 1099511627776 ->
    fin (step_constant (o_m o) (o_under o) c (t1_of act) (t2_of act) (t3_of act)) -> tauR / 2 <= V (o_under o) ->
    fin c /\ (forall p, In p act -> fin (fst p) /\ fin (b_of (fst p) (snd p)) /\ fin (q (snd p))) /\
    V (step_constant (o_m o) (o_under o) c (t1_of act) (t2_of act) (t3_of act))
    + sum (fun p => Rabs (V (fst p)) * V (q (snd p))) act * (1 + 7 * d) + V (o_under o) * (1 - 4 * d) - tauR / 100
    <= V c + sum (fun p => V (fst p) * V (b_of (fst p) (snd p))) act.
  Proof.
    apply rows_constant.
    - eapply Nat.le_trans; [apply act_length | apply (so_rows _ _ _ _ sound)].
    - intros p Hp Fq. destruct (act_in p Hp) as (er & Her & ->). now destruct (so_row _ _ _ _ sound er Her Fq).
    - apply (so_m _ _ _ _ sound).
  Qed.

  Let l := touched A temp (o_read o).

  Lemma touched_in : forall p, In p l -> In (fst p) (o_read o) /\ fst (snd p) = read A (fst p) /\ snd (snd p) = read temp (fst p).
  Proof.
    intros p H. unfold l, touched in H. apply filter_In in H. destruct H as (H & _). apply in_map_iff in H.
    destruct H as (e & <- & He). auto.
  Qed.

  Lemma touched_keys : NoDup (map key l) /\ forall j, In j (map key l) -> In j (map idx (o_read o)).
  Proof.
    unfold l, touched. generalize (so_cols _ _ _ _ sound). generalize (o_read o) as cols. clear.
    induction cols as [| e cols IH]; intros H; [split; [constructor | easy] |].
    cbn [map filter] in *. inversion H as [| ? ? Hni Hn]; subst. destruct (IH Hn) as (I1 & I2).
    destruct (negb _); cbn [map]; [| split; [exact I1 | intros j Hj; right; now apply I2]].
    split; [constructor; [intros Hi; apply Hni; now apply I2 | exact I1] | intros j [<- | Hj]; [now left | right; now apply I2]].
  Qed.

  Lemma touched_length : (length l <= length (o_read o))%nat.
  Proof. unfold l, touched. eapply Nat.le_trans; [apply filter_length_le |]. now rewrite map_length. Qed.

  (* An untouched column has temp 0. *)
  Lemma touched_value : sum (fun p => V (snd (snd p)) * y (key p)) l = sum (fun e => V (read temp e) * y (idx e)) (o_read o).
  Proof.
    unfold l, touched. induction (o_read o) as [| e cols IH]; [reflexivity |]. cbn [map filter fst snd].
    change (sum ?f (e :: cols)) with (f e + sum f cols). cbv beta.
    destruct (read temp e =? 0)%float eqn:Hz; cbn [negb].
    - apply eqb_zero in Hz. destruct Hz as (_ & ->). rewrite IH. ring.
    - change (sum ?f (?p :: ?m)) with (f p + sum f m). cbv beta. rewrite IH. reflexivity.
  Qed.

  Lemma untouched_finite : forall e, In e (o_read o) -> (forall p, In p l -> fin (total p)) -> fin (read temp e).
  Proof.
    intros e He H. destruct (read temp e =? 0)%float eqn:Hz; [now apply eqb_zero in Hz |].
    specialize (H (e, (read A e, read temp e))). unfold total in H. cbn [fst snd] in H.
    destruct (add_fin (read A e) (read temp e)) as (_ & F & _); [| exact F].
    apply H. unfold l, touched. apply filter_In. split; [apply in_map_iff; now exists e |]. cbn [fst snd]. now rewrite Hz.
  Qed.

  Theorem operator_step : forall c c' A', M + 1 <= 1099511627776 -> sweep_op x o c A = Some (c', A') -> fin c' ->
    (forall j, (j < n)%nat -> fin (nat_at A' j)) ->
    fin c /\ (forall j, (j < n + length (o_rows o))%nat -> fin (nat_at A j)) /\ size A' = size A /\
    V c' + form A' n y <= V c + form A (n + length (o_rows o)) y.
  Proof.
    intros c c' A' HM H Fc' FA'. unfold sweep_op in H. fold act in H.
    (* elements of the operator itself *)
    assert (Hown : (forall er, In er (o_rows o) -> fin (read A (fst er))) -> (forall j, (j < n)%nat -> fin (nat_at A j)) ->
      forall j, (j < n + length (o_rows o))%nat -> fin (nat_at A j)).
    { intros Hr Hb j Hj. destruct (Nat.lt_ge_cases j n) as [Hlt | Hge]; [now apply Hb |].
      assert (Hin : In j (seq n (length (o_rows o)))) by (apply in_seq; lia).
      rewrite <- (so_elements _ _ _ _ sound) in Hin. apply in_map_iff in Hin. destruct Hin as (er & <- & Her).
      rewrite <- get_nat_at. now apply Hr. }
    assert (Hcase : act = [] \/ act <> []) by (destruct act; [now left | now right]).
    destruct Hcase as [Hact | Hact].
    - rewrite Hact in H. injection H as <- <-. rewrite form_at_operator.
      assert (Hz : forall er, In er (o_rows o) -> (read A (fst er) =? 0)%float = true).
      { intros er Her. destruct (read A (fst er) =? 0)%float eqn:Hz; [reflexivity |]. exfalso.
        assert (Hin : In (lift A er) act).
        { unfold act, active. apply filter_In. split; [apply in_map_iff; exists er; auto |]. unfold lift. cbn [fst]. now rewrite Hz. }
        rewrite Hact in Hin. easy. }
      split; [exact Fc' |]. split; [apply Hown; [intros er Her; now destruct (eqb_zero _ (Hz er Her)) | exact FA'] |]. split; [reflexivity |].
      rewrite (sum_ext _ _ (fun _ => 0)); [rewrite sum_zero; lra |].
      intros er Her. destruct (eqb_zero _ (Hz er Her)) as (_ & ->). ring.
    - assert (H' : (if forallb (fun p => small (fst p)) act && small_constant c then
        Some (merge_constant x (step_constant (o_m o) (o_under o) c (t1_of act) (t2_of act) (t3_of act)) l, merge_form A l)
        else None) = Some (c', A')) by (destruct act; [now elim Hact | exact H]).
      clear H. destruct (forallb (fun p => small (fst p)) act && small_constant c) eqn:Hs; [| discriminate].
      apply andb_prop in Hs. destruct Hs as (Hs & _). rewrite forallb_forall in Hs.
      injection H' as <- <-.
      destruct (touched_keys) as (Hnd & Hkeys).
      assert (Hkn : forall p, In p l -> (key p < n)%nat).
      { intros p Hp. apply touched_in in Hp. apply (so_below _ _ _ _ sound). tauto. }
      assert (Hks : forall p, In p l -> (key p < size A)%nat) by (intros p Hp; apply Hkn in Hp; lia).
      assert (Htot : forall p, In p l -> fin (total p)).
      { intros p Hp. rewrite <- (merge_form_at l A p Hks Hnd Hp). apply FA'. auto. }
      assert (Hx : forall p, In p l -> Rabs (y (key p)) <= V (x (fst p))).
      { intros p Hp. apply touched_in in Hp. apply (so_x _ _ _ _ sound). tauto. }
      destruct (merge_constant_le x (step_constant (o_m o) (o_under o) c (t1_of act) (t2_of act) (t3_of act)) l) as (F3 & Hm).
      { eapply Rle_trans; [apply le_INR, touched_length | apply (so_few _ _ _ _ sound)]. }
      { exact Fc'. }
      { intros p Hp. specialize (Hx p Hp). pose proof (Rabs_pos (y (key p))). lra. }
      destruct (so_under _ _ _ _ sound) as (N & xm & Hxm & HN & Hyx & Hunder).
      destruct (step_constant_fin _ _ _ _ _ _ F3) as (_ & _ & _ & _ & Fu). specialize (Hunder Fu).
      pose proof tau_positive as Htau.
      assert (HN0 : 0 <= N) by (eapply Rle_trans; [apply pos_INR | apply (HN (fun _ => true))]).
      assert (HNx : 0 <= N * xm) by (apply Rmult_le_pos; assumption).
      assert (HtNx : 0 <= tauR * (N * xm)) by (apply Rmult_le_pos; lra).
      destruct (step_three c HM F3) as (Fc & Hfin & Hstep); [numeric |].
      assert (Ftemp : forall e, In e (o_read o) -> fin (read temp e)) by (intros; now apply untouched_finite).
      pose proof (temp_value N xm Hxm HN Hyx HM Ftemp) as Htemp.
      assert (Hrow : forall p, In p act -> row_finite p).
      { intros p Hp. destruct (Hfin p Hp) as (Fa & Fb & Fq). repeat split; auto. intros u Hu.
        assert (Hc : In (fst u, (fst p, snd u)) cs).
        { unfold cs, contributions. apply in_flat_map. exists p. split; [exact Hp |]. apply in_map_iff. now exists u. }
        pose proof (contributions_in _ Hc) as Hcol. apply in_map_iff in Hcol. destruct Hcol as (e & He1 & He2).
        specialize (Ftemp e He2). rewrite (temp_is_column e He2) in Ftemp.
        destruct (fsum_error_power _ product exact (filter (in_column (idx e)) cs) 0%float) as (_ & F & _); [| exact Ftemp |].
        { intros c0 _ F. now destruct (mul_V _ _ F) as (_ & _ & E). }
        specialize (F (fst u, (fst p, snd u))). unfold product in F. cbn [fst snd] in F.
        destruct (mul_fin (fst p) (snd u)) as (_ & Fs & _); [| exact Fs]. apply F. apply filter_In. split; [exact Hc |].
        unfold in_column. cbn [fst]. cbn [fst] in He1. rewrite He1. apply Nat.eqb_refl. }
      pose proof (rows_share Hrow) as Hshare. rewrite shares_sum in Hshare.
      pose proof (rounding_of_totals x y l (fun p Hp => conj (Htot p Hp) (Hx p Hp))) as Hround.
      rewrite touched_value in Hround.
      rewrite (merge_form_value l A n y Hkn ltac:(lia) Hnd (fun p Hp => proj1 (proj2 (touched_in p Hp)))).
      rewrite form_at_operator.
      split; [exact Fc |]. split.
      { apply Hown.
        - intros er Her. destruct (read A (fst er) =? 0)%float eqn:Hz; [now destruct (eqb_zero _ Hz) |].
          apply (Hfin (lift A er)). unfold act, active. apply filter_In. split; [apply in_map_iff; exists er; auto |].
          unfold lift. cbn [fst]. now rewrite Hz.
        - intros j Hj. destruct (in_dec Nat.eq_dec j (map key l)) as [Hin | Hni].
          + apply in_map_iff in Hin. destruct Hin as (p & <- & Hp). specialize (Htot p Hp). unfold total in Htot.
            destruct (add_fin _ _ Htot) as (Fa & _). destruct (touched_in p Hp) as (_ & Ha & _). rewrite Ha, get_nat_at in Fa. exact Fa.
          + rewrite <- (merge_form_other l A j Hks ltac:(lia) Hni). now apply FA'. }
      split; [apply merge_size_store |].
      set (K := sum (fun c => Rabs (exact c) * Rabs (y (idx (fst c)))) cs) in *.
      assert (HK : 0 <= K) by (apply sum_nonnegative; intros; apply Rmult_le_pos; apply Rabs_pos).
      assert (HMK : 0 <= M * K) by (apply Rmult_le_pos; [apply M_bounds | exact HK]).
      assert (HT2 : 0 <= sum (fun p => Rabs (V (fst p)) * V (q (snd p))) act).
      { apply sum_nonnegative. intros p Hp. apply Rmult_le_pos; [apply Rabs_pos |].
        destruct (act_in p Hp) as (er & Her & ->). destruct (Hfin _ Hp) as (_ & _ & Fq).
        now destruct (so_row _ _ _ _ sound er Her Fq). }
      pose proof w_positive as Hw. pose proof tau_w as Htw.
      assert (HwNx : 4 * w * (N * xm) <= tauR / 100 * (N * xm)) by (apply Rmult_le_compat_r; lra).
      unfold M in *. numeric.
  Qed.
End Operator.
