using System.Collections;
using System.Text.Json;

namespace FedLora.Federations.Definitions;

/// <summary>
/// What may be changed of a federation that is there: who takes part, how long anybody waits, what is kept. All else, rounds that are done
/// were made with.
/// </summary>
public static class DefinitionChange
{
    /// <summary>The definition as it holds from the next sampling on.</summary>
    /// <param name="current">Whole.</param>
    /// <param name="wanted">As a file says it, without base model and layout.</param>
    /// <exception cref="FedLoraException"><see cref="RefusalCodes.DefinitionInvalid"/>: it names what else differs.</exception>
    public static FederationDefinition Apply(FederationDefinition current, FederationDefinition wanted)
    {
        var next = current with { Cohort = wanted.Cohort, Retention = wanted.Retention };
        // Left out, a classifier's head; the definition says which that is.
        var lora = wanted.Lora.ModulesToSave.Count == 0 ? wanted.Lora with { ModulesToSave = current.Lora.ModulesToSave } : wanted.Lora;
        if (Difference(next, wanted with { Lora = lora }, "") is { } key)
        {
            throw new FedLoraException(RefusalCodes.DefinitionInvalid,
                $"'{key}' of federation '{current.Name}' cannot be changed: what is done was done with it",
                "Only cohort and retention can be. For other settings create another federation.");
        }
        DefinitionRules.Check(next);
        return next;
    }

    private static string? Difference(object here, object there, string path)
    {
        foreach (var setting in Setting.Of(here.GetType()))
        {
            var (a, b) = (setting.Property.GetValue(here), setting.Property.GetValue(there));
            if (a is not null && b is not null && Setting.IsSection(setting.Type))
            {
                if (Difference(a, b, $"{path}{setting.Key}.") is { } deeper)
                    return deeper;
            }
            else if (Text(a) != Text(b))
            {
                return path + setting.Key;
            }
        }

        return null;
    }

    // Records of lists compare by reference; as text they compare by what they say.
    private static string Text(object? value) => value is IDictionary map
        ? string.Join(';', map.Keys.Cast<string>().Order(StringComparer.Ordinal)
            .Select(key => $"{key}={JsonSerializer.Serialize(map[key])}"))
        : JsonSerializer.Serialize(value);
}
