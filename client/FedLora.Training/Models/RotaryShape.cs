namespace FedLora.Training.Models;

/// <summary>
/// Rotary positions (Su et al. 2021, arXiv 2104.09864): the pair (x_i, x_{i+n/2}) of the first n = 2 * frequencies entries of a head
/// is turned by position * frequency_i.
/// </summary>
/// <param name="Frequencies">Radians per position.</param>
/// <param name="Factor">Factor on sine and cosine (1 but for YaRN and LongRoPE).</param>
public sealed record RotaryShape(double[] Frequencies, double Factor = 1)
{
    /// <summary>
    /// Reads <c>rope_parameters</c> (transformers 5) or <c>rope_theta</c> and <c>rope_scaling</c> (transformers 4).
    /// </summary>
    /// <exception cref="FedLoraException"><c>model-config-invalid</c> or <c>model-rope-unsupported</c>.</exception>
    public static RotaryShape Read(ConfigJson config, int headSize, int maxLength)
    {
        var parameters = config.Section("rope_parameters") ?? config.Section("rope_scaling");
        var theta = parameters?.OptionalNumber("rope_theta") ?? config.OptionalNumber("rope_theta") ?? 10_000;
        var partial = parameters?.OptionalNumber("partial_rotary_factor") ?? config.OptionalNumber("partial_rotary_factor") ?? 1;
        var dimensions = (int)(headSize * partial);
        if (dimensions < 2 || dimensions % 2 != 0 || dimensions > headSize)
            throw config.Invalid($"turns {dimensions} entries of heads of {headSize}: that must be an even number up to the head's size");
        var plain = new double[dimensions / 2];
        for (var i = 0; i < plain.Length; i++)
            plain[i] = Math.Pow(theta, -2.0 * i / dimensions);
        var kind = parameters?.Text("rope_type") ?? parameters?.Text("type") ?? "default";
        return kind switch
        {
            // "dynamic" turns by the plain frequencies up to the model's length, and longer texts are refused.
            "default" or "dynamic" => new RotaryShape(plain),
            "linear" => new RotaryShape([.. plain.Select(f => f / parameters!.Number("factor"))]),
            "llama3" => new RotaryShape([.. plain.Select(f => Llama3(f, parameters!))]),
            "yarn" => Yarn(plain, theta, dimensions, parameters!, maxLength),
            "longrope" or "su" => LongRope(plain, config, parameters!, maxLength),
            _ => throw new FedLoraException("model-rope-unsupported", $"The model's rope_type '{kind}' is not supported.",
                "Known: default, dynamic, linear, llama3, yarn, longrope."),
        };
    }

    /// <summary>Llama 3.1: slow frequencies divided by the factor, fast ones kept, those between blended.</summary>
    private static double Llama3(double frequency, ConfigJson p)
    {
        var (factor, low, high) = (p.Number("factor"), p.Number("low_freq_factor"), p.Number("high_freq_factor"));
        var original = p.Number("original_max_position_embeddings");
        var wavelength = 2 * Math.PI / frequency;
        if (wavelength > original / low)
            return frequency / factor;
        if (wavelength < original / high)
            return frequency;
        var smooth = (original / wavelength - low) / (high - low);
        return ((1 - smooth) * frequency / factor) + (smooth * frequency);
    }

    /// <summary>YaRN (Peng et al. 2023, arXiv 2309.00071, section 3).</summary>
    private static RotaryShape Yarn(double[] plain, double theta, int dimensions, ConfigJson p, int maxLength)
    {
        var original = p.OptionalNumber("original_max_position_embeddings") ?? maxLength;
        var factor = p.OptionalNumber("factor") ?? maxLength / original;
        var (fast, slow) = (p.OptionalNumber("beta_fast") ?? 32, p.OptionalNumber("beta_slow") ?? 1);
        double Index(double rotations) => dimensions * Math.Log(original / (rotations * 2 * Math.PI)) / (2 * Math.Log(theta));
        var (low, high) = (Index(fast), Index(slow));
        if (p.Flag("truncate", true))
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, dimensions - 1));
        var width = high > low ? high - low : 0.001;
        var frequencies = plain.Select((f, i) =>
        {
            var ramp = Math.Clamp((i - low) / width, 0, 1);
            return (f / factor * ramp) + (f * (1 - ramp));
        });
        return new RotaryShape([.. frequencies], p.OptionalNumber("attention_factor") ?? Temperature(p, factor));
    }

    private static double Temperature(ConfigJson p, double factor)
    {
        static double Of(double scale, double m) => scale <= 1 ? 1 : (0.1 * m * Math.Log(scale)) + 1;
        var (all, one) = (p.OptionalNumber("mscale_all_dim"), p.OptionalNumber("mscale"));
        return all is > 0 && one is > 0 ? Of(factor, one.Value) / Of(factor, all.Value) : Of(factor, 1);
    }

    /// <summary>
    /// LongRoPE (Ding et al. 2024, arXiv 2402.13753) as Phi 3 uses it. The factors for short texts: texts longer than the original
    /// context are refused by <see cref="Architecture.MaxLength"/>, which the family sets to it.
    /// </summary>
    private static RotaryShape LongRope(double[] plain, ConfigJson config, ConfigJson p, int maxLength)
    {
        var shorts = p.Numbers("short_factor") ?? throw config.Invalid("has rope_type longrope without short_factor");
        if (shorts.Length != plain.Length)
            throw config.Invalid($"has {shorts.Length} entries in short_factor instead of {plain.Length}");
        var original = p.OptionalNumber("original_max_position_embeddings") ?? config.OptionalNumber("original_max_position_embeddings")
            ?? maxLength;
        var factor = config.Size("max_position_embeddings") / original;
        var attention = p.OptionalNumber("attention_factor") ?? (factor <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(factor) / Math.Log(original))));
        return new RotaryShape([.. plain.Zip(shorts, (f, s) => f / s)], attention);
    }
}
