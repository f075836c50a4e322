namespace FedLora.Dashboard.Access;

/// <summary>Who may do what: every page names one of these, or is open on purpose. A test holds them against all pages.</summary>
internal static class DashboardPolicies
{
    /// <summary>Look: operators and auditors.</summary>
    internal const string Read = "dashboard-read";

    /// <summary>Change something: operators.</summary>
    internal const string Act = "dashboard-act";
}
