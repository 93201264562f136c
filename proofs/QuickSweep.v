(* One operator of a sweep in fewer steps: quick_sweep_op computes what sweep_op of
   Sweep says, number by number (quick_is_sweep_op). Rows with a term in every column
   are added column by column, without an array; the sums over the rows are taken in
   one walk, and so is the merge. *)
From Coq Require Import List Lia Bool PeanoNat Floats Uint63.
From AxiomProofs Require Import Semantics Rounding Store Sweep.
Import ListNotations.
Local Open Scope bool_scope.

(* ---- The definitions *)

Fixpoint same_ints (l m : list int) : bool :=
  match l, m with
  | [], [] => true
  | e :: l, f :: m => if (e =? f)%uint63 then same_ints l m else false
  | _, _ => false
  end.

Lemma same_ints_eq : forall l m, same_ints l m = true -> l = m.
Proof.
  induction l as [| e l IH]; intros [| f m] H; try discriminate; [reflexivity |]. cbn in H.
  destruct (e =? f)%uint63 eqn:He; [| discriminate]. apply eqb_spec in He. now rewrite He, (IH m).
Qed.

Record sums := Sums { any : bool; all_small : bool; sum1 : float; sum2 : float; sum3 : float }.

Fixpoint scan (A : array float) (rows : list (int * srow)) (some ok : bool) (t1 t2 t3 : float) : sums :=
  match rows with
  | [] => Sums some ok t1 t2 t3
  | (e, r) :: rest =>
      let a := read A e in
      if (a =? 0)%float then scan A rest some ok t1 t2 t3
      else let b := b_of a r in
        scan A rest true (ok && small a) (t1 + a * b)%float (t2 + abs a * q r)%float (t3 + abs a * abs b)%float
  end.

Fixpoint zip (a : float) (w t : pack) : pack :=
  match w, t with
  | Eight w1 w2 w3 w4 w5 w6 w7 w8 w, Eight t1 t2 t3 t4 t5 t6 t7 t8 t =>
      Eight (t1 + a * w1) (t2 + a * w2) (t3 + a * w3) (t4 + a * w4) (t5 + a * w5) (t6 + a * w6) (t7 + a * w7) (t8 + a * w8) (zip a w t)
  | One w1 w, One t1 t => One (t1 + a * w1) (zip a w t)
  | _, _ => Nil
  end%float.

Fixpoint unpack (p : pack) : list float :=
  match p with
  | Nil => []
  | One a r => a :: unpack r
  | Eight a b c d e f g h r => a :: b :: c :: d :: e :: f :: g :: h :: unpack r
  end.

Fixpoint dense_columns (A : array float) (rows : list (int * srow)) (weights : list pack) (temp : pack) : pack :=
  match rows, weights with
  | er :: rows, w :: weights =>
      let a := read A (fst er) in dense_columns A rows weights (if (a =? 0)%float then temp else zip a w temp)
  | _, _ => temp
  end.

Definition diagonal_column (A : array float) (er : int * srow) : float :=
  let a := read A (fst er) in
  if (a =? 0)%float then 0%float else match t_of a (snd er) with [] => 0%float | t :: _ => (0 + a * snd t)%float end.

(* temp at the columns read *)
Definition columns (A : array float) (o : sop) : list float :=
  match o_shape o with
  | Scattered => map (read (accumulate (active A (o_rows o)) (zeros_like A))) (o_read o)
  | Dense weights => unpack (dense_columns A (o_rows o) weights (pack_of (map (fun _ => 0%float) (o_read o))))
  | Diagonal => map (diagonal_column A) (o_rows o)
  end.

(* The form with the columns added, and the sum of |v| x over those that had a coefficient before, if there are any. *)
Fixpoint merge (x : int -> float) (cols : list int) (temp : list float) (A : array float) (some : bool) (t4 : float)
    : bool * float * array float :=
  match cols, temp with
  | e :: cols, t :: temp =>
      if (t =? 0)%float then merge x cols temp A some t4
      else let a := read A e in
        let v := (a + t)%float in
        if (a =? 0)%float then merge x cols temp (write A e v) some t4
        else merge x cols temp (write A e v) true (t4 + abs v * x e)%float
  | _, _ => (some, t4, A)
  end.

Definition quick_sweep_op (x : int -> float) (o : sop) (c : float) (A : array float) : option (float * array float) :=
  let s := scan A (o_rows o) false true 0 0 0 in
  if any s then
    if all_small s && small_constant c then
      let c' := step_constant (o_m o) (o_under o) c (sum1 s) (sum2 s) (sum3 s) in
      let '(some, t4, A') := merge x (o_read o) (columns A o) A false 0 in
      Some (if some then charge c' ((2 * U) * t4)%float else c', A')
    else None
  else Some (c, A).

(* ---- They compute the same *)

Lemma scan_is : forall A rows some ok t1 t2 t3,
  scan A rows some ok t1 t2 t3 =
  let act := active A rows in
  Sums (some || match act with [] => false | _ => true end) (ok && forallb (fun p => small (fst p)) act)
    (fsum (fun p => fst p * b_of (fst p) (snd p))%float act t1) (fsum (fun p => abs (fst p) * q (snd p))%float act t2)
    (fsum (fun p => abs (fst p) * abs (b_of (fst p) (snd p)))%float act t3).
Proof.
  intros A. induction rows as [| [e r] rows IH]; intros some ok t1 t2 t3.
  - cbn. now rewrite orb_false_r, andb_true_r.
  - cbn [scan]. unfold active in *. cbn [map filter fst snd]. destruct (read A e =? 0)%float; cbn [negb]; rewrite IH; [reflexivity |].
    cbv zeta. cbn [forallb fst snd]. unfold fsum. cbn [fold_left fst snd].
    now rewrite !orb_true_l, orb_true_r, andb_assoc.
Qed.

Fixpoint same_blocks (w t : pack) : Prop :=
  match w, t with
  | Nil, Nil => True
  | One _ w, One _ t | Eight _ _ _ _ _ _ _ _ w, Eight _ _ _ _ _ _ _ _ t => same_blocks w t
  | _, _ => False
  end.

Lemma blocks_sym : forall w t, same_blocks w t -> same_blocks t w.
Proof. induction w; intros []; cbn; auto. Qed.

Lemma blocks_trans : forall t w u, same_blocks w t -> same_blocks t u -> same_blocks w u.
Proof. induction t; intros [] []; cbn; try contradiction; eauto. Qed.

Definition add_row (a : float) (l : list (float * float)) : list float := map (fun p => fst p + a * snd p)%float l.

Lemma zip_blocks : forall a w t, same_blocks w t -> same_blocks w (zip a w t) /\
  unpack (zip a w t) = add_row a (combine (unpack t) (unpack w)).
Proof.
  intros a. induction w as [| w1 w IH | w1 w2 w3 w4 w5 w6 w7 w8 w IH]; intros t H; destruct t; try contradiction; cbn in *; auto;
    destruct (IH _ H) as (B & E); split; [exact B | now rewrite E | exact B | now rewrite E].
Qed.

Lemma pack_blocks : forall n (l m : list float), (length l <= n)%nat -> length m = length l ->
  same_blocks (pack_of l) (pack_of m) /\ unpack (pack_of l) = l.
Proof.
  induction n as [| n IH]; intros l m Hn Hm.
  - destruct l; [| cbn in Hn; lia]. destruct m; [| discriminate]. now split.
  - destruct l as [| l1 [| l2 [| l3 [| l4 [| l5 [| l6 [| l7 [| l8 l]]]]]]]]; destruct m as [| m1 [| m2 [| m3 [| m4 [| m5 [| m6 [| m7 [| m8 m]]]]]]]];
      try discriminate; cbn in Hn, Hm |- *; try (split; [exact I | reflexivity]).
    destruct (IH l m) as (B & E); [lia | lia |]. split; [exact B | now rewrite E].
Qed.

Lemma pack_unpack : forall l, unpack (pack_of l) = l.
Proof. intros. now apply (pack_blocks (length l) l l). Qed.

Lemma read_write : forall (A : array float) e f v, (idx e < size A)%nat -> (idx f < size A)%nat ->
  read (write A e v) f = if Nat.eqb (idx f) (idx e) then v else read A f.
Proof. intros. rewrite !get_nat_at. now apply nat_at_write. Qed.

Definition add_terms (a : float) (t : list (int * float)) (temp : array float) : array float :=
  fold_left (fun temp t => write temp (fst t) (read temp (fst t) + a * snd t)%float) t temp.

Lemma add_terms_size : forall a t temp, size (add_terms a t temp) = size temp.
Proof. intros a. induction t as [| u t IH]; intros temp; [reflexivity |]. cbn. unfold add_terms in IH. rewrite IH. apply size_write. Qed.

Lemma add_terms_other : forall a t temp e, (forall u, In u t -> (idx (fst u) < size temp)%nat) -> (idx e < size temp)%nat ->
  ~ In (idx e) (map idx (map fst t)) -> read (add_terms a t temp) e = read temp e.
Proof.
  intros a. induction t as [| u t IH]; intros temp e Ht He Hn; [reflexivity |]. cbn in *. unfold add_terms in IH. rewrite IH.
  - rewrite read_write by auto. destruct (Nat.eqb_spec (idx e) (idx (fst u))) as [Heq |]; [| reflexivity]. exfalso. apply Hn. left. congruence.
  - intros v Hv. rewrite size_write. apply Ht. now right.
  - now rewrite size_write.
  - tauto.
Qed.

Lemma add_terms_columns : forall a t temp, (forall u, In u t -> (idx (fst u) < size temp)%nat) -> NoDup (map idx (map fst t)) ->
  map (read (add_terms a t temp)) (map fst t) = add_row a (combine (map (read temp) (map fst t)) (map snd t)).
Proof.
  intros a. induction t as [| u t IH]; intros temp Ht Hn; [reflexivity |]. cbn [map] in *. inversion Hn as [| ? ? Hu Hn']; subst.
  assert (Hs : (idx (fst u) < size temp)%nat) by (apply Ht; now left).
  change (add_terms a (u :: t) temp) with (add_terms a t (write temp (fst u) (read temp (fst u) + a * snd u)%float)).
  unfold add_row in *. cbn [combine map fst snd]. f_equal.
  - rewrite add_terms_other; rewrite ?size_write; auto.
    + rewrite read_write by assumption. now rewrite Nat.eqb_refl.
    + intros v Hv. rewrite ?size_write. apply Ht. now right.
  - rewrite IH; [| intros v Hv; rewrite size_write; apply Ht; now right | exact Hn'].
    f_equal. f_equal. apply map_ext_in. intros e He. rewrite read_write.
    + destruct (Nat.eqb_spec (idx e) (idx (fst u))) as [Heq |]; [| reflexivity]. exfalso. apply Hu. rewrite <- Heq. now apply in_map.
    + exact Hs.
    + apply in_map_iff in He. destruct He as (v & <- & Hv). apply Ht. now right.
Qed.

Lemma accumulate_cons : forall p act temp, accumulate (p :: act) temp = accumulate act (add_terms (fst p) (t_of (fst p) (snd p)) temp).
Proof. reflexivity. Qed.

Section Columns.
  Variables (A : array float) (cols : list int).
  Hypothesis distinct : NoDup (map idx cols).

  Lemma dense_is : forall rows temp p,
    Forall (fun er => t_hi (snd er) = t_lo (snd er) /\ map fst (t_lo (snd er)) = cols) rows ->
    (forall e, In e cols -> (idx e < size temp)%nat) ->
    same_blocks (pack_of (map (fun _ => 0%float) cols)) p -> unpack p = map (read temp) cols ->
    unpack (dense_columns A rows (map (fun er => pack_of (map snd (t_lo (snd er)))) rows) p) = map (read (accumulate (active A rows) temp)) cols.
  Proof.
    induction rows as [| er rows IH]; intros temp p Hr Ht Hb Hp; [exact Hp |].
    inversion Hr as [| ? ? (Hhi & Hcols) Hr']; subst. unfold active in *. cbn [map dense_columns filter fst].
    destruct (read A (fst er) =? 0)%float eqn:Hz; cbn [negb]; [now apply IH |].
    rewrite accumulate_cons. cbn [fst snd]. set (a := read A (fst er)) in *.
    assert (E : t_of a (snd er) = t_lo (snd er)) by (unfold t_of; destruct (0 <? a)%float; [reflexivity | exact Hhi]).
    rewrite E. set (t := t_lo (snd er)) in *.
    assert (Hw : same_blocks (pack_of (map snd t)) p).
    { eapply blocks_trans; [| exact Hb]. apply (pack_blocks (length (map snd t))); rewrite ?map_length; reflexivity. }
    destruct (zip_blocks a _ _ Hw) as (B & U).
    apply IH; auto.
    - intros e He. rewrite add_terms_size. auto.
    - eapply blocks_trans; [exact Hb |]. eapply blocks_trans; [apply blocks_sym; exact Hw | exact B].
    - rewrite U, pack_unpack, Hp. symmetry. apply add_terms_columns; [| exact distinct].
      intros u Hu. apply Ht. now apply in_map.
  Qed.

  (* The rows and the columns that are still to come *)
  Lemma diagonal_is : forall rows cs temp, Forall2 (fun e er => at_most_one e (t_lo (snd er)) /\ at_most_one e (t_hi (snd er))) cs rows ->
    NoDup (map idx cs) -> (forall e, In e cs -> (idx e < size temp)%nat) -> (forall e, In e cs -> read temp e = 0%float) ->
    map (diagonal_column A) rows = map (read (accumulate (active A rows) temp)) cs /\
    (forall e, ~ In (idx e) (map idx cs) -> (idx e < size temp)%nat -> read (accumulate (active A rows) temp) e = read temp e).
  Proof.
    intros rows cs temp H. revert temp. induction H as [| e er cs rows (Hlo & Hhi) H IH]; intros temp Hn Ht H0; [split; [reflexivity | auto] |].
    cbn [map] in Hn. inversion Hn as [| ? ? He Hn']; subst. assert (Hes : (idx e < size temp)%nat) by (apply Ht; now left).
    unfold active in *. cbn [map filter fst]. unfold diagonal_column at 1.
    destruct (read A (fst er) =? 0)%float eqn:Hz; cbn [negb].
    - destruct (IH temp Hn') as (I1 & I2); [intros; apply Ht; now right | intros; apply H0; now right |]. split.
      + rewrite I1, I2 by assumption. now rewrite H0 by now left.
      + intros f Hf Hfs. apply I2; [cbn in Hf; tauto | exact Hfs].
    - rewrite accumulate_cons. cbn [fst snd]. set (a := read A (fst er)) in *.
      assert (E : at_most_one e (t_of a (snd er))) by (unfold t_of; destruct (0 <? a)%float; assumption).
      destruct E as [-> | (s & ->)].
      + cbn [add_terms fold_left]. destruct (IH temp Hn') as (I1 & I2); [intros; apply Ht; now right | intros; apply H0; now right |]. split.
        * rewrite I1, I2 by assumption. now rewrite H0 by now left.
        * intros f Hf Hfs. apply I2; [cbn in Hf; tauto | exact Hfs].
      + cbn [add_terms fold_left fst snd]. rewrite (H0 e) by now left.
        destruct (IH (write temp e (0 + a * s)%float) Hn') as (I1 & I2).
        * intros f Hf. rewrite size_write. apply Ht. now right.
        * intros f Hf. rewrite read_write by (auto; apply Ht; now right). destruct (Nat.eqb_spec (idx f) (idx e)) as [Heq | _].
          -- exfalso. apply He. rewrite <- Heq. now apply in_map.
          -- apply H0. now right.
        * split.
          -- rewrite I1, I2 by (rewrite ?size_write; assumption). rewrite read_write by assumption. now rewrite Nat.eqb_refl.
          -- intros f Hf Hfs. cbn in Hf. rewrite I2 by (rewrite ?size_write; tauto). rewrite read_write by assumption.
             destruct (Nat.eqb_spec (idx f) (idx e)); [exfalso; intuition congruence | reflexivity].
  Qed.
End Columns.

Lemma columns_are : forall A o, shape_ok o -> NoDup (map idx (o_read o)) -> (forall e, In e (o_read o) -> (idx e < size A)%nat) ->
  columns A o = map (read (accumulate (active A (o_rows o)) (zeros_like A))) (o_read o).
Proof.
  intros A o Hs Hn Hr. unfold columns, shape_ok in *.
  assert (Hz : forall e, In e (o_read o) -> (idx e < size (zeros_like A))%nat) by (intros; rewrite size_zeros_like; auto).
  assert (H0 : forall e, read (zeros_like A) e = 0%float) by (intros; rewrite get_nat_at; apply nat_at_zeros_like).
  destruct (o_shape o) as [| weights |]; [reflexivity | |].
  - destruct Hs as (-> & Hs). apply dense_is; auto.
    + now apply (pack_blocks (length (map (fun _ : int => 0%float) (o_read o)))).
    + rewrite pack_unpack. apply map_ext. intros. now rewrite H0.
  - now apply (diagonal_is A).
Qed.

Lemma merge_is : forall x temp cols A some t4, NoDup (map idx cols) -> (forall e, In e cols -> (idx e < size A)%nat) ->
  let l := filter (fun p => negb (snd (snd p) =? 0)%float) (map (fun e => (e, (read A e, read temp e))) cols) in
  merge x cols (map (read temp) cols) A some t4 =
  (some || match both l with [] => false | _ => true end, fsum (fun p => abs (total p) * x (fst p))%float (both l) t4, merge_form A l).
Proof.
  intros x temp. induction cols as [| e cols IH]; intros A some t4 Hn Hr; [cbn; now rewrite orb_false_r |].
  cbn [map] in Hn. inversion Hn as [| ? ? He Hn']; subst. cbn [map merge filter fst snd].
  assert (Hr' : forall f, In f cols -> (idx f < size A)%nat) by (intros; apply Hr; now right).
  destruct (read temp e =? 0)%float; cbn [negb]; [now apply IH |].
  set (v := (read A e + read temp e)%float).
  assert (Hsame : map (fun f => (f, (read (write A e v) f, read temp f))) cols = map (fun f => (f, (read A f, read temp f))) cols).
  { apply map_ext_in. intros f Hf. rewrite read_write by (auto; apply Hr; now left).
    destruct (Nat.eqb_spec (idx f) (idx e)) as [Heq |]; [| reflexivity]. exfalso. apply He. rewrite <- Heq. now apply in_map. }
  unfold both in *. cbn [filter fst snd]. destruct (read A e =? 0)%float; cbn [negb]; rewrite IH, Hsame; auto;
    try (intros f Hf; rewrite size_write; now apply Hr'). cbv zeta.
  unfold fsum. cbn [fold_left]. rewrite orb_true_l, orb_true_r. reflexivity.
Qed.

Lemma merge_array_size : forall x cols temp A some t4, size (snd (merge x cols temp A some t4)) = size A.
Proof.
  intros x. induction cols as [| e cols IH]; intros [| t temp] A some t4; try reflexivity. cbn [merge].
  destruct (t =? 0)%float; [apply IH |]. destruct (read A e =? 0)%float; rewrite IH; apply size_write.
Qed.

Lemma quick_size : forall x o c A c' A', quick_sweep_op x o c A = Some (c', A') -> size A' = size A.
Proof.
  intros x o c A c' A' H. unfold quick_sweep_op in H. destruct (any _); [| now injection H as _ <-].
  destruct (_ && _); [| discriminate]. pose proof (merge_array_size x (o_read o) (columns A o) A false 0%float) as S.
  destruct (merge _ _ _ _ _ _) as [[some t4] A1]. injection H as _ <-. exact S.
Qed.

Theorem quick_is_sweep_op : forall x o c A, shape_ok o -> NoDup (map idx (o_read o)) -> (forall e, In e (o_read o) -> (idx e < size A)%nat) ->
  quick_sweep_op x o c A = sweep_op x o c A.
Proof.
  intros x o c A Hs Hn Hr. unfold quick_sweep_op, sweep_op. rewrite scan_is. cbv zeta. cbn [any all_small sum1 sum2 sum3].
  rewrite orb_false_l, andb_true_l, columns_are, merge_is by assumption. cbv zeta. unfold touched, t1_of, t2_of, t3_of, merge_constant, merge_size.
  destruct (active A (o_rows o)) as [| p act]; [reflexivity |].
  destruct (_ && _); [| reflexivity]. rewrite orb_false_l.
  match goal with |- context [both ?l] => destruct (both l) end; reflexivity.
Qed.
