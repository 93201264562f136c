(* What a claim is about: core programs, their executions under the semantics real and float32, and the safe points of a
   property (spec/operators.md section 5, spec/certificate.md section 3). The same definitions as proofs/Semantics.v of
   the Coq development, one by one, with the real numbers of HOL. *)
theory Axiom_Semantics
  imports Complex_Main
begin

datatype semantics = Real_Arithmetic | Float32_Arithmetic

text \<open>The pair (mantissa, exponent) stands for mantissa * 2 ^ exponent: a finite binary64 number, exactly.\<close>

type_synonym dyad = "int \<times> int"

definition dyad_value :: "dyad \<Rightarrow> real" where
  "dyad_value d = real_of_int (fst d) * 2 powr real_of_int (snd d)"

text \<open>One row of an affine operator: the bias is the rounded sum of the constants; a term is an element read and its
  weight. A window is its first source and the others; the elements of Softmax are numbered group after group.\<close>

datatype row = Row
  (row_constants: "dyad list")
  (row_bias: dyad)
  (row_magnitude: dyad)
  (row_gamma_count: dyad)
  (row_underflow_count: dyad)
  (row_terms: "(nat \<times> dyad) list")

datatype core_operator =
    Affine dyad dyad "row list"
  | Relu "nat list"
  | LeakyRelu dyad "nat list"
  | Sigmoid "nat list"
  | Tanh "nat list"
  | MaxPool "(nat \<times> nat list) list"
  | Constant "dyad list"
  | Softmax "nat list list"

text \<open>Elements are numbered in this order: inputs, then those of each operator.\<close>

datatype core_program = Program
  (program_inputs: nat)
  (program_operators: "core_operator list")
  (program_outputs: "nat list")

fun operator_count :: "core_operator \<Rightarrow> nat" where
  "operator_count (Affine _ _ rows) = length rows"
| "operator_count (Relu sources) = length sources"
| "operator_count (LeakyRelu _ sources) = length sources"
| "operator_count (Sigmoid sources) = length sources"
| "operator_count (Tanh sources) = length sources"
| "operator_count (MaxPool windows) = length windows"
| "operator_count (Constant vs) = length vs"
| "operator_count (Softmax groups) = sum_list (map length groups)"

text \<open>Terms that read consecutive elements, from e on.\<close>

fun dense :: "nat \<Rightarrow> dyad list \<Rightarrow> (nat \<times> dyad) list" where
  "dense e [] = []"
| "dense e (w # rest) = (e, w) # dense (Suc e) rest"

section \<open>Rounding\<close>

definition u32 :: real where "u32 = 1 / 2 ^ 24"

definition eta32 :: real where "eta32 = 1 / 2 ^ 126"

definition gamma32 :: "real \<Rightarrow> real" where "gamma32 k = k * u32 / (1 - k * u32)"

text \<open>The nearest integer, the even one of two.\<close>

definition round_even :: "real \<Rightarrow> int" where
  "round_even x =
    (let f = \<lfloor>x\<rfloor>; r = x - real_of_int f
     in if r < 1 / 2 then f else if 1 / 2 < r then f + 1 else if even f then f else f + 1)"

text \<open>Exponent of the last bit of a binary32 number of the size of x, which is not 0.\<close>

definition exponent32 :: "real \<Rightarrow> int" where
  "exponent32 x = max (\<lfloor>log 2 \<bar>x\<bar>\<rfloor> + 1 - 24) (- 149)"

text \<open>The binary32 number nearest to x, ties to even, without a greatest number.\<close>

definition nearest32 :: "real \<Rightarrow> real" where
  "nearest32 x =
    (if x = 0 then 0
     else real_of_int (round_even (x * 2 powr (- real_of_int (exponent32 x)))) * 2 powr real_of_int (exponent32 x))"

section \<open>Executions\<close>

text \<open>An execution has a value for every element.\<close>

type_synonym execution = "nat \<Rightarrow> real"

definition weighted_sum :: "execution \<Rightarrow> (nat \<times> dyad) list \<Rightarrow> real" where
  "weighted_sum y ts = sum_list (map (\<lambda>t. dyad_value (snd t) * y (fst t)) ts)"

definition absolute_sum :: "execution \<Rightarrow> (nat \<times> dyad) list \<Rightarrow> real" where
  "absolute_sum y ts = sum_list (map (\<lambda>t. \<bar>dyad_value (snd t)\<bar> * \<bar>y (fst t)\<bar>) ts)"

definition operands_sum :: "execution \<Rightarrow> (nat \<times> dyad) list \<Rightarrow> real" where
  "operands_sum y ts = sum_list (map (\<lambda>t. \<bar>dyad_value (snd t)\<bar> + \<bar>y (fst t)\<bar>) ts)"

definition row_size :: "execution \<Rightarrow> row \<Rightarrow> real" where
  "row_size y r = dyad_value (row_magnitude r) + absolute_sum y (row_terms r)"

definition row_error :: "execution \<Rightarrow> real \<Rightarrow> real \<Rightarrow> row \<Rightarrow> real" where
  "row_error y factor rho r =
    (gamma32 (dyad_value (row_gamma_count r)) + rho) * row_size y r
    + 2 * eta32 * factor * (dyad_value (row_underflow_count r) + operands_sum y (row_terms r))"

fun row_holds :: "semantics \<Rightarrow> execution \<Rightarrow> real \<Rightarrow> real \<Rightarrow> row \<Rightarrow> real \<Rightarrow> bool" where
  "row_holds Real_Arithmetic y factor rho r v =
    (\<bar>v - (sum_list (map dyad_value (row_constants r)) + weighted_sum y (row_terms r))\<bar> \<le> rho * row_size y r)"
| "row_holds Float32_Arithmetic y factor rho r v =
    (\<bar>v - (dyad_value (row_bias r) + weighted_sum y (row_terms r))\<bar> \<le> row_error y factor rho r)"

definition logistic :: "real \<Rightarrow> real" where "logistic x = 1 / (1 + exp (- x))"

definition leaky_relu :: "real \<Rightarrow> real \<Rightarrow> real" where
  "leaky_relu alpha x = (if x < 0 then alpha * x else x)"

fun relu_holds :: "semantics \<Rightarrow> real \<Rightarrow> real \<Rightarrow> bool" where
  "relu_holds Real_Arithmetic x v = (v = max 0 x)"
| "relu_holds Float32_Arithmetic x v = (v = max 0 x \<or> (v = 0 \<and> max 0 x < eta32))"

fun leaky_relu_holds :: "semantics \<Rightarrow> real \<Rightarrow> real \<Rightarrow> real \<Rightarrow> bool" where
  "leaky_relu_holds Real_Arithmetic alpha x v = (v = leaky_relu alpha x)"
| "leaky_relu_holds Float32_Arithmetic alpha x v =
    (\<bar>v - leaky_relu alpha x\<bar> \<le> u32 * alpha * \<bar>x\<bar> + 2 * eta32)"

fun curve_holds :: "semantics \<Rightarrow> (real \<Rightarrow> real) \<Rightarrow> real \<Rightarrow> real \<Rightarrow> bool" where
  "curve_holds Real_Arithmetic f x v = (v = f x)"
| "curve_holds Float32_Arithmetic f x v = (\<bar>v - f x\<bar> \<le> 1 / 2 ^ 20)"

definition greatest :: "execution \<Rightarrow> nat \<times> nat list \<Rightarrow> real" where
  "greatest y window = foldr (\<lambda>e m. max (y e) m) (snd window) (y (fst window))"

fun maxpool_holds :: "semantics \<Rightarrow> execution \<Rightarrow> nat \<times> nat list \<Rightarrow> real \<Rightarrow> bool" where
  "maxpool_holds Real_Arithmetic y window v = (v = greatest y window)"
| "maxpool_holds Float32_Arithmetic y window v = (\<bar>v - greatest y window\<bar> \<le> eta32)"

text \<open>A group of sources and the values vs of their entries. What exp computes in float32 is left open.\<close>

fun softmax_holds :: "semantics \<Rightarrow> execution \<Rightarrow> nat list \<Rightarrow> real list \<Rightarrow> bool" where
  "softmax_holds Real_Arithmetic y g vs =
    (vs = map (\<lambda>e. exp (y e) / sum_list (map (\<lambda>f. exp (y f)) g)) g)"
| "softmax_holds Float32_Arithmetic y g vs =
    ((\<forall>v \<in> set vs. 0 \<le> v) \<and> \<bar>sum_list vs - 1\<bar> \<le> gamma32 (real (length g) + 8))"

text \<open>P holds for each entry of a list and the element that belongs to it.\<close>

fun each :: "execution \<Rightarrow> ('a \<Rightarrow> real \<Rightarrow> bool) \<Rightarrow> 'a list \<Rightarrow> nat \<Rightarrow> bool" where
  "each y P [] first = True"
| "each y P (a # rest) first = (P a (y first) \<and> each y P rest (Suc first))"

text \<open>P holds for each group and the values of the elements that belong to it.\<close>

fun each_group :: "execution \<Rightarrow> (nat list \<Rightarrow> real list \<Rightarrow> bool) \<Rightarrow> nat list list \<Rightarrow> nat \<Rightarrow> bool" where
  "each_group y P [] first = True"
| "each_group y P (g # rest) first =
    (P g (map y [first..<first + length g]) \<and> each_group y P rest (first + length g))"

fun operator_holds :: "semantics \<Rightarrow> execution \<Rightarrow> core_operator \<Rightarrow> nat \<Rightarrow> bool" where
  "operator_holds s y (Affine factor rho rows) first =
    each y (row_holds s y (dyad_value factor) (dyad_value rho)) rows first"
| "operator_holds s y (Relu sources) first = each y (\<lambda>e v. relu_holds s (y e) v) sources first"
| "operator_holds s y (LeakyRelu alpha sources) first =
    each y (\<lambda>e v. leaky_relu_holds s (dyad_value alpha) (y e) v) sources first"
| "operator_holds s y (Sigmoid sources) first = each y (\<lambda>e v. curve_holds s logistic (y e) v) sources first"
| "operator_holds s y (Tanh sources) first = each y (\<lambda>e v. curve_holds s tanh (y e) v) sources first"
| "operator_holds s y (MaxPool windows) first = each y (maxpool_holds s y) windows first"
| "operator_holds s y (Constant vs) first = each y (\<lambda>c v. v = dyad_value c) vs first"
| "operator_holds s y (Softmax groups) first = each_group y (softmax_holds s y) groups first"

fun operators_hold :: "semantics \<Rightarrow> execution \<Rightarrow> core_operator list \<Rightarrow> nat \<Rightarrow> bool" where
  "operators_hold s y [] first = True"
| "operators_hold s y (a # rest) first =
    (operator_holds s y a first \<and> operators_hold s y rest (first + operator_count a))"

text \<open>An execution assigns to every element a value that its operator may give.\<close>

definition executes :: "semantics \<Rightarrow> core_program \<Rightarrow> execution \<Rightarrow> bool" where
  "executes s net y = operators_hold s y (program_operators net) (program_inputs net)"

section \<open>Properties\<close>

datatype property_variable = X nat | Y nat

text \<open>Sums of coefficients times variables are at most the right side, with the exact decimals of the text.\<close>

datatype linear_constraint = Constraint
  (left_side: "(property_variable \<times> rat) list")
  (right_side: rat)

datatype disjunct = Disjunct
  (disjunct_box: "(rat \<times> rat) list")
  (disjunct_constraints: "linear_constraint list")

type_synonym unsafe_set = "disjunct list"

text \<open>The number that a real point is fed as.\<close>

fun fed :: "semantics \<Rightarrow> real \<Rightarrow> real" where
  "fed Real_Arithmetic x = x"
| "fed Float32_Arithmetic x = nearest32 x"

fun variable_value :: "(nat \<Rightarrow> real) \<Rightarrow> real list \<Rightarrow> property_variable \<Rightarrow> real" where
  "variable_value x outs (X j) = x j"
| "variable_value x outs (Y k) = (if k < length outs then outs ! k else 0)"

definition satisfied :: "(nat \<Rightarrow> real) \<Rightarrow> real list \<Rightarrow> linear_constraint \<Rightarrow> bool" where
  "satisfied x outs c =
    (sum_list (map (\<lambda>t. real_of_rat (snd t) * variable_value x outs (fst t)) (left_side c))
     \<le> real_of_rat (right_side c))"

definition in_box :: "(nat \<Rightarrow> real) \<Rightarrow> (rat \<times> rat) list \<Rightarrow> bool" where
  "in_box x b =
    (\<forall>j. j < length b \<longrightarrow> real_of_rat (fst (b ! j)) \<le> x j \<and> x j \<le> real_of_rat (snd (b ! j)))"

definition is_unsafe :: "(nat \<Rightarrow> real) \<Rightarrow> real list \<Rightarrow> unsafe_set \<Rightarrow> bool" where
  "is_unsafe x outs p =
    (\<exists>c \<in> set p. in_box x (disjunct_box c) \<and> (\<forall>k \<in> set (disjunct_constraints c). satisfied x outs k))"

definition output_values :: "core_program \<Rightarrow> execution \<Rightarrow> real list" where
  "output_values net y = map y (program_outputs net)"

text \<open>The claim of a certificate: whatever real point is given, and whatever the network computes from it, the property
  holds.\<close>

definition claim :: "semantics \<Rightarrow> core_program \<Rightarrow> unsafe_set \<Rightarrow> bool" where
  "claim s net p =
    (\<forall>x y. (\<forall>j. j < program_inputs net \<longrightarrow> y j = fed s (x j)) \<longrightarrow> executes s net y
      \<longrightarrow> \<not> is_unsafe x (output_values net y) p)"

section \<open>What is open\<close>

text \<open>A checker decides about a semantics, a network, a property and the bytes of a proof tree. The one meant is that of
  spec/certificate.md; it is not written in Isabelle.\<close>

type_synonym checker = "semantics \<Rightarrow> core_program \<Rightarrow> unsafe_set \<Rightarrow> nat list \<Rightarrow> bool"

text \<open>Open obligation soundness. In Coq it is the theorem check_sound of proofs/CheckSound.v.\<close>

definition sound :: "checker \<Rightarrow> bool" where
  "sound check = (\<forall>s net p tree. check s net p tree \<longrightarrow> claim s net p)"

end
