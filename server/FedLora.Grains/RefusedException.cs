namespace FedLora.Grains;

/// <summary>A request that a grain refuses: what is wrong (message), a stable word for programs, and what to do.</summary>
/// <remarks>An <see cref="OrleansException"/>, since Orleans wraps what else a grain storage throws into one.</remarks>
/// <param name="code">Stable word in kebab case, one of <see cref="RefusalCodes"/>.</param>
/// <param name="message">One line: what is wrong, and where.</param>
/// <param name="hint">One line: what to do about it.</param>
[GenerateSerializer]
public sealed class RefusedException(string code, string message, string hint) : OrleansException(message)
{
    [Id(0)] public string Code { get; private set; } = code;

    [Id(1)] public string Hint { get; private set; } = hint;

    /// <summary>What a pure room refuses, as callers of a grain get it.</summary>
    public static RefusedException Of(Refusal refusal) => new(refusal.Code, refusal.Message, refusal.Hint);

    /// <summary>Checks; what a pure room refuses, callers of a grain get as this.</summary>
    public static void Pass(Action check)
    {
        try
        {
            check();
        }
        catch (FedLoraException error)
        {
            throw new RefusedException(error.Code, error.Message, error.Hint);
        }
    }
}
