namespace FedLora.Server.Audit;

/// <summary>What people did at this coordinator, as its audit log names it.</summary>
public static partial class ActionLog
{
    /// <summary>The outcome of an action that was done; of any other it is the refusal's code.</summary>
    public const string Done = "done";
}
