(* Finite sums of reals over lists. Relies on the reals only. *)
From Coq Require Import Reals List Permutation Lra Lia.
Import ListNotations.
Local Open Scope R_scope.

Definition sum {A} (f : A -> R) (l : list A) : R := fold_right (fun a s => f a + s) 0 l.

Lemma sum_app : forall A (f : A -> R) l m, sum f (l ++ m) = sum f l + sum f m.
Proof. induction l as [|a l IH]; intros; simpl; [ring | rewrite IH; ring]. Qed.

Lemma sum_permutation : forall A (f : A -> R) l m, Permutation l m -> sum f l = sum f m.
Proof. induction 1; simpl; lra. Qed.

Lemma sum_plus : forall A (f g : A -> R) l, sum (fun a => f a + g a) l = sum f l + sum g l.
Proof. induction l as [|a l IH]; simpl; [ring | rewrite IH; ring]. Qed.

Lemma sum_scale : forall A (f : A -> R) c l, sum (fun a => c * f a) l = c * sum f l.
Proof. induction l as [|a l IH]; simpl; [ring | rewrite IH; ring]. Qed.

Lemma sum_le : forall A (f g : A -> R) l, (forall a, In a l -> f a <= g a) -> sum f l <= sum g l.
Proof.
  induction l as [|a l IH]; simpl; intros H; [lra |].
  apply Rplus_le_compat; [apply H; now left | apply IH; intros; apply H; now right].
Qed.

Lemma sum_ext : forall A (f g : A -> R) l, (forall a, In a l -> f a = g a) -> sum f l = sum g l.
Proof.
  induction l as [|a l IH]; simpl; intros H; [reflexivity |].
  rewrite H by now left. rewrite IH; [reflexivity | intros; apply H; now right].
Qed.

Lemma sum_nonnegative : forall A (f : A -> R) l, (forall a, In a l -> 0 <= f a) -> 0 <= sum f l.
Proof.
  induction l as [|a l IH]; simpl; intros H; [lra |].
  apply Rplus_le_le_0_compat; [apply H; now left | apply IH; intros; apply H; now right].
Qed.

Lemma sum_abs : forall A (f : A -> R) l, Rabs (sum f l) <= sum (fun a => Rabs (f a)) l.
Proof.
  induction l as [|a l IH]; simpl; [rewrite Rabs_R0; lra |].
  eapply Rle_trans; [apply Rabs_triang | lra].
Qed.

Lemma sum_map : forall A B (g : A -> B) (f : B -> R) l, sum f (map g l) = sum (fun a => f (g a)) l.
Proof. induction l as [|a l IH]; simpl; [reflexivity | now rewrite IH]. Qed.

Lemma sum_zero : forall A (l : list A), sum (fun _ => 0) l = 0.
Proof. induction l as [|a l IH]; simpl; [reflexivity | rewrite IH; ring]. Qed.
