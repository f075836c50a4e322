namespace FedLora.Adapters;

/// <summary>The parts that an adapter is made of. A method trains, sends or keeps some of them.</summary>
[Flags]
public enum Factors
{
    None = 0,

    /// <summary><c>lora_A</c>, r x d_in.</summary>
    A = 1,

    /// <summary><c>lora_B</c>, d_out x r.</summary>
    B = 2,

    /// <summary><c>lora_R</c>, r x r (Fed-SB only).</summary>
    R = 4,

    /// <summary>Whole tensors trained beside the factors, such as a classification head (PEFT's <c>modules_to_save</c>).</summary>
    Head = 8,
}
