using System.Collections.Frozen;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Secrets.EmbeddedPostgres;

/// <summary>The settings on the server's command line: the service's defaults, overridden by <see cref="EmbeddedOptions.Settings"/>.</summary>
internal sealed partial class ServerSettings
{
    /// <summary>Settings on which the service relies: where the server listens, who may connect, where its files are, what its log contains.</summary>
    private static readonly FrozenSet<string> Fixed = FrozenSet.ToFrozenSet(
        [
            "listen_addresses", "port", "unix_socket_directories", "unix_socket_group", "unix_socket_permissions",
            "data_directory", "config_file", "hba_file", "ident_file", "external_pid_file",
            "logging_collector", "log_destination", "log_directory", "log_filename", "log_file_mode", "log_rotation_age",
            "log_min_messages", "log_error_verbosity", "log_statement", "log_min_duration_statement", "log_min_duration_sample",
            "log_transaction_sample_rate", "log_min_error_statement", "log_parameter_max_length", "log_parameter_max_length_on_error",
            "debug_print_parse", "debug_print_plan", "debug_print_rewritten",
        ],
        StringComparer.Ordinal);

    private readonly IDictionary<string, string> _overrides;

    /// <summary>Checks the names of the overrides.</summary>
    /// <exception cref="StartupException">An override has a malformed name, or names a setting that cannot be overridden.</exception>
    public ServerSettings(IDictionary<string, string> overrides)
    {
        foreach (var name in overrides.Keys.Where(name => !SettingName().IsMatch(name)))
        {
            throw new StartupException($"Embedded__Settings__{name} is not the name of a PostgreSQL setting: correct or remove it.");
        }

        foreach (var name in overrides.Keys.Where(Fixed.Contains))
        {
            throw new StartupException(
                $"Embedded__Settings__{name} cannot be set: the service decides where the embedded database listens, where its files are "
                + "and what it logs. Remove the setting.");
        }

        _overrides = overrides;
    }

    public List<string> Arguments(ServerAddress address)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["max_connections"] = "100",

            // The operating system allocates this memory only when data fills it.
            ["shared_buffers"] = "512MB",
            ["jit"] = "off",

            // The data is in memory or on a solid-state disk. The default is for disks that seek, and makes the planner scan small tables.
            ["random_page_cost"] = "1.1",
            ["timezone"] = "UTC",
            ["log_timezone"] = "UTC",
            ["logging_collector"] = "on",
            ["log_directory"] = "../log",
            ["log_filename"] = "postgres-%Y%m%d-%H%M%S.log",
            ["log_file_mode"] = "0600",
            ["log_rotation_size"] = "10MB",
            ["log_rotation_age"] = "0",

            // The log never contains statements, parameters or rows. Errors of statements quote values, so only the client gets them. Level "log" excludes
            // them: in this setting's order, "log" is above "error".
            ["log_min_messages"] = "log",
            ["log_error_verbosity"] = "terse",
            ["log_statement"] = "none",
            ["log_min_duration_statement"] = "-1",
            ["log_min_error_statement"] = "panic",
            ["log_parameter_max_length"] = "0",
            ["log_parameter_max_length_on_error"] = "0",
            ["listen_addresses"] = address.Sockets is null ? address.Host : "",
            ["port"] = address.Port.ToString(CultureInfo.InvariantCulture),
        };
        if (address.Sockets is not null)
        {
            settings["unix_socket_directories"] = address.Sockets.Path;
            settings["unix_socket_permissions"] = "0700";
        }

        foreach (var (name, value) in _overrides)
        {
            settings[name] = value;
        }

        return [.. settings.SelectMany(setting => new[] { "-c", $"{setting.Key}={setting.Value}" })];
    }

    [GeneratedRegex("^[a-z][a-z0-9_.]{1,62}$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex SettingName();
}
