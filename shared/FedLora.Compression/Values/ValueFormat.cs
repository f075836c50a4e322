namespace FedLora.Compression;

/// <summary>How the kept values are written.</summary>
public enum ValueFormat : byte
{
    /// <summary>32-bit floats: lossless.</summary>
    F32 = 0,

    /// <summary>
    /// bfloat16, rounded to nearest even: relative error at most 2^-9 (2^-8 beyond the largest bfloat16, 3.39e38, which those become).
    /// </summary>
    BF16 = 1,

    /// <summary>
    /// IEEE half, rounded to nearest even: relative error at most 2^-11 from 6e-5 to 65504; larger magnitudes are refused.
    /// </summary>
    F16 = 2,

    /// <summary>
    /// Blocks of 64 values, a 32-bit scale and 8 bits a value, rounded stochastically: unbiased, error below scale / 127.
    /// </summary>
    Q8 = 3,

    /// <summary>Blocks of 64 values, a 32-bit scale and 4 bits a value, rounded stochastically: unbiased, error below scale / 7.</summary>
    Q4 = 4,
}
