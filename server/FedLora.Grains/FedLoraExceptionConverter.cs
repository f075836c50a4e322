namespace FedLora.Grains;

/// <summary>What goes between silos of a <see cref="FedLoraException"/>, which does not know Orleans.</summary>
[GenerateSerializer]
internal struct FedLoraExceptionSurrogate
{
    [Id(0)] public string Code;

    [Id(1)] public string Message;

    [Id(2)] public string Hint;
}

/// <summary>Keeps word and hint of an exception that crosses silos; without it only the message arrives.</summary>
[RegisterConverter]
internal sealed class FedLoraExceptionConverter : IConverter<FedLoraException, FedLoraExceptionSurrogate>
{
    public FedLoraException ConvertFromSurrogate(in FedLoraExceptionSurrogate surrogate) =>
        new(surrogate.Code, surrogate.Message, surrogate.Hint);

    public FedLoraExceptionSurrogate ConvertToSurrogate(in FedLoraException value) =>
        new() { Code = value.Code, Message = value.Message, Hint = value.Hint };
}
