namespace FedLora.Aggregation;

/// <summary>All methods, by name. A new one is a class beside the others and a line here.</summary>
public static class Methods
{
    public static IReadOnlyList<IFederatedMethod> All { get; } =
    [
        new FedIt(),
        new FfaLora(),
        new FedSb(),
        new FedSvd(),
        new LoraFair(),
        new FlexLora(),
        new FLora(),
        new HetLora(),
        new FedExLora(),
        new RoLora(),
        new FedSaLora(),
    ];

    /// <summary>The method of that name.</summary>
    /// <exception cref="FedLoraException"><c>method-unknown</c>, listing the known.</exception>
    public static IFederatedMethod Get(string name) => All.FirstOrDefault(method => method.Name == name)
        ?? throw new FedLoraException("method-unknown", $"There is no method '{name}'.",
            $"Known: {string.Join(", ", All.Select(method => method.Name))}.");
}
