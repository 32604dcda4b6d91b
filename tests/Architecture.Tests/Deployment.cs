using System.Text.RegularExpressions;
using System.Xml.Linq;
using Secrets.TestKit;
using YamlDotNet.RepresentationModel;

namespace Secrets.Architecture.Tests;

/// <summary>The Dockerfile, the compose files, the manifests and the units. No container engine and no cluster runs where the tests run, so they read the files.</summary>
public sealed partial class Deployment
{
    private const string Hardening = "NoNewPrivileges";

    private static readonly string[] ComposeFiles = ["compose.yaml", "compose.sqlserver.yaml"];
    private static readonly string[] Units = ["secrets.service", "secrets-migrate.service"];

    /// <summary>A misspelt setting stops the start in Production, which no test here does with these files.</summary>
    [Fact]
    public void Every_setting_is_in_the_list_of_settings()
    {
        var documented = SettingsIn("docs/configuration.md").ToHashSet(StringComparer.Ordinal);
        var files = new[] { "Dockerfile", ".env.example", "docs/deployment.md", "docs/postgresql.md" }.Concat(ComposeFiles).Concat(FilesBelow("deploy")).ToList();
        var used = files.SelectMany(file => SettingsIn(file).Select(setting => (file, setting))).ToList();
        Assert.True(used.Count > 30, $"only {used.Count} settings");
        Assert.DoesNotContain(used, use => !documented.Contains(use.setting));
    }

    [Fact]
    public void Every_variable_of_the_compose_files_is_in_the_example_of_the_environment() => Assert.Equal(
        Assignment().Matches(Read(".env.example")).Select(match => match.Groups["name"].Value).Order(StringComparer.Ordinal),
        ComposeFiles.SelectMany(file => Variable().Matches(Read(file))).Select(match => match.Groups["name"].Value).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));

    /// <summary>A tag such as <c>latest</c> or <c>10.0</c> would be another image tomorrow.</summary>
    [Fact]
    public void Every_image_has_an_exact_tag()
    {
        var images = ComposeFiles.SelectMany(file => Services(file)).Where(service => !Has(service, "build")).Select(service => Text(service, "image"))
            .Concat(new[] { "Dockerfile", ".devcontainer/Dockerfile" }.SelectMany(file => From().Matches(Read(file))).Select(match => match.Groups["image"].Value))
            .Concat(Kustomizations().SelectMany(document => Items(document, "images")).Select(image => $"{Text(image, "newName")}:{Text(image, "newTag")}"))
            .ToList();
        Assert.True(images.Count >= 8, string.Join(' ', images));
        Assert.DoesNotContain(images, image => !ExactImage().IsMatch(image));

        // The manifests name the image without a tag, and the kustomization of the base adds it.
        var named = Kustomizations().SelectMany(document => Items(document, "images")).Select(image => Text(image, "name")).ToHashSet(StringComparer.Ordinal);
        Assert.Superset(Pods().SelectMany(pod => Items(pod, "containers")).Select(container => Text(container, "image")).ToHashSet(StringComparer.Ordinal), named);
    }

    /// <summary>A project that the Dockerfile lacks fails the restore of the image, which no test here builds.</summary>
    [Fact]
    public void The_Dockerfile_copies_the_service_and_all_that_it_refers_to()
    {
        var copied = Copy().Matches(Read("Dockerfile")).SelectMany(match => match.Groups["from"].Value.Split(' ')).ToList();
        Assert.All(copied, path => Assert.True(Path.Exists(InRepository(path)), $"{path} does not exist"));
        var projects = References("src/Api/Api.csproj").Append("src/Api/Api.csproj").Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        Assert.True(projects.Count >= 5, string.Join(' ', projects));
        Assert.Equal(projects, copied.Where(path => path.EndsWith(".csproj", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.All(projects, project => Assert.Contains($"{Path.GetDirectoryName(project)!.Replace('\\', '/')}/packages.lock.json", copied));
        Assert.All(
            Read(".dockerignore").Split('\n', StringSplitOptions.RemoveEmptyEntries),
            ignored => Assert.DoesNotContain(copied, path => path == ignored || path.StartsWith($"{ignored}/", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_image_runs_without_rights_and_exposes_and_checks_the_ports_that_it_listens_on()
    {
        var text = Read("Dockerfile");
        Assert.Contains("\nUSER $APP_UID\n", text, StringComparison.Ordinal);
        var ports = ListenedPort().Matches(text).Select(match => match.Groups["port"].Value).ToList();
        Assert.Equal(2, ports.Count);
        Assert.Contains($"\nEXPOSE {string.Join(' ', ports)}\n", text, StringComparison.Ordinal);
        Assert.Matches($@"\nHEALTHCHECK [^\n]*\\\n[^\n]*/dev/tcp/127\.0\.0\.1/{ports[1]} ", text);
        Assert.All(Pods().SelectMany(pod => Items(pod, "containers")).SelectMany(container => Items(container, "ports")), port => Assert.Contains(Text(port, "containerPort"), ports));
    }

    [Fact]
    public void Containers_of_the_service_have_no_rights_and_cannot_write()
    {
        Assert.NotEmpty(Pods());
        Assert.All(Pods(), pod =>
        {
            var security = Child(pod, "securityContext");
            Assert.Equal("true", Text(security, "runAsNonRoot"));
            Assert.NotEqual("0", Text(security, "runAsUser"));
            Assert.NotEqual("0", Text(security, "runAsGroup"));
            Assert.Equal("RuntimeDefault", Text(Child(security, "seccompProfile"), "type"));
            Assert.Equal("false", Text(pod, "automountServiceAccountToken"));
            Assert.All(Items(pod, "containers"), container =>
            {
                var rights = Child(container, "securityContext");
                Assert.Equal("false", Text(rights, "allowPrivilegeEscalation"));
                Assert.Equal("true", Text(rights, "readOnlyRootFilesystem"));
                Assert.Equal(["ALL"], Items(Child(rights, "capabilities"), "drop").Select(item => item.ToString()));
                Assert.False(Has(rights, "runAsUser") || Has(rights, "privileged"));
                Assert.True(Has(Child(container, "resources"), "limits"));
            });
        });

        var services = ComposeFiles.SelectMany(file => Services(file)).Where(service => Has(service, "build")).ToList();
        Assert.Equal(6, services.Count);
        Assert.All(services, service =>
        {
            Assert.Equal("true", Text(service, "read_only"));
            Assert.Equal(["ALL"], Items(service, "cap_drop").Select(item => item.ToString()));
            Assert.Equal(["no-new-privileges:true"], Items(service, "security_opt").Select(item => item.ToString()));
        });
    }

    /// <summary>Kustomize ignores a file that no kustomization names.</summary>
    [Fact]
    public void The_kustomizations_name_every_manifest()
    {
        var folders = FilesBelow("deploy/kubernetes").Where(file => file.EndsWith("/kustomization.yaml", StringComparison.Ordinal)).Select(file => Path.GetDirectoryName(file)!).ToList();
        Assert.True(folders.Count >= 4, string.Join(' ', folders));
        Assert.All(folders, folder =>
        {
            var named = Items(Documents($"{folder}/kustomization.yaml").Single(), "resources").Select(item => item.ToString()).Where(item => !item.Contains("..", StringComparison.Ordinal));
            var present = Directory.EnumerateFiles(InRepository(folder), "*.yaml").Select(Path.GetFileName).Where(file => file is not "kustomization.yaml");
            Assert.Equal(present.Order(StringComparer.Ordinal), named.Order(StringComparer.Ordinal));
        });
    }

    [Fact]
    public void The_service_has_a_user_of_its_own_in_the_database()
    {
        var connections = ComposeFiles.SelectMany(file => Services(file))
            .Where(service => Has(service, "build"))
            .Select(service => (Migrates: Has(service, "command"), Text: Text(Child(service, "environment"), "ConnectionStrings__Secrets")))
            .ToList();
        Assert.All(connections, connection => Assert.Matches(
            connection.Migrates ? @"(Username|User ID)=secrets_migrate;Password=\$\{MIGRATE_PASSWORD:" : @"(Username|User ID)=secrets_service;Password=\$\{SERVICE_PASSWORD:",
            connection.Text));
        Assert.All(ConnectionText().Matches(string.Concat(FilesBelow("deploy").Append("compose.yaml").Append("docs/postgresql.md").Append("docs/deployment.md").Select(Read))), match =>
            Assert.Contains("SSL Mode=VerifyFull", match.Value, StringComparison.Ordinal));
    }

    [Fact]
    public void The_script_of_the_logins_is_T_SQL() => TSql.Check(Read("deploy/database/sqlserver-logins.sql"));

    [Fact]
    public void Both_units_run_as_their_own_account_and_have_the_same_hardening()
    {
        var (service, migration) = (UnitLines(Units[0]), UnitLines(Units[1]));
        Assert.All([service, migration], lines => Assert.Superset(
            new HashSet<string>(["User=secrets", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "LimitCORE=0"], StringComparer.Ordinal),
            lines.ToHashSet(StringComparer.Ordinal)));
        Assert.Equal(HardeningOf(service), HardeningOf(migration));
    }

    /// <summary>The lines from the first one that takes a right away, without those that only the service needs.</summary>
    private static List<string> HardeningOf(List<string> unit) =>
        [.. unit.SkipWhile(line => !line.StartsWith(Hardening, StringComparison.Ordinal)).TakeWhile(line => !line.StartsWith('['))];

    private static List<string> UnitLines(string unit) =>
        [.. Read($"deploy/systemd/{unit}").Split('\n').Where(line => line.Length > 0 && !line.StartsWith('#'))];

    /// <summary>The projects that a project refers to, directly or not.</summary>
    private static IEnumerable<string> References(string project) => XDocument.Load(InRepository(project)).Descendants("ProjectReference")
        .Select(reference => Path.GetRelativePath(Repository.Root, Path.GetFullPath(reference.Attribute("Include")!.Value, Path.GetDirectoryName(InRepository(project))!)).Replace('\\', '/'))
        .SelectMany(other => References(other).Append(other));

    /// <summary>The templates of pods in the base.</summary>
    private static List<YamlNode> Pods() =>
    [
        .. FilesBelow("deploy/kubernetes/base").SelectMany(Documents)
            .Where(document => Has(document, "spec") && Has(Child(document, "spec"), "template"))
            .Select(document => Child(Child(Child(document, "spec"), "template"), "spec")),
    ];

    private static IEnumerable<YamlNode> Kustomizations() =>
        FilesBelow("deploy/kubernetes").Where(file => file.EndsWith("/kustomization.yaml", StringComparison.Ordinal)).SelectMany(Documents);

    private static IEnumerable<YamlNode> Services(string file) =>
        ((YamlMappingNode)Child(Documents(file).Single(), "services")).Children.Values;

    private static IEnumerable<YamlNode> Documents(string file)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(Read(file)));
        return stream.Documents.Select(document => document.RootNode);
    }

    private static string Text(YamlNode node, string name) => Child(node, name).ToString();

    private static bool Has(YamlNode node, string name) => Find(node, name) is not null;

    private static YamlNode Child(YamlNode node, string name) => Find(node, name) ?? throw new KeyNotFoundException($"{name} is missing in {node}");

    private static IEnumerable<YamlNode> Items(YamlNode node, string name) => Find(node, name) is YamlSequenceNode list ? list.Children : [];

    /// <summary>A member, also one that the merge key <c>&lt;&lt;</c> brings.</summary>
    private static YamlNode? Find(YamlNode node, string name) => node is not YamlMappingNode map ? null
        : map.Children.TryGetValue(new YamlScalarNode(name), out var child) ? child
        : map.Children.TryGetValue(new YamlScalarNode("<<"), out var merged) ? Find(merged, name)
        : null;

    private static IEnumerable<string> SettingsIn(string file) => Setting().Matches(Read(file)).Select(match => match.Value);

    private static IEnumerable<string> FilesBelow(string folder) => Directory.EnumerateFiles(InRepository(folder), "*", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(Repository.Root, path).Replace('\\', '/'))
        .Order(StringComparer.Ordinal);

    private static string Read(string path) => File.ReadAllText(InRepository(path));

    private static string InRepository(string path) => Path.Combine(Repository.Root, path);

    [GeneratedRegex(@"\b[A-Z][A-Za-z]+(__[A-Za-z]+)+\b|\bASPNETCORE_[A-Z]+\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Setting();

    [GeneratedRegex(@"^(?<name>[A-Z_]+)=", RegexOptions.ExplicitCapture | RegexOptions.Multiline, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Assignment();

    [GeneratedRegex(@"(?<!\$)\$\{(?<name>[A-Z_]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Variable();

    [GeneratedRegex(@"^FROM (--\S+ )?(?<image>\S+)", RegexOptions.ExplicitCapture | RegexOptions.Multiline, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex From();

    /// <summary>Three numbers, or two for PostgreSQL and for SQL Server a year and an update.</summary>
    [GeneratedRegex(@"^([\w./-]+:\d+\.\d+\.\d+[\w.-]*|postgres:\d+\.\d+[\w.-]*|[\w./-]+/mssql/server:\d{4}-CU\d+-[\w.-]+)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex ExactImage();

    [GeneratedRegex(@"^COPY (?!--from)(?<from>.+) \S+$", RegexOptions.ExplicitCapture | RegexOptions.Multiline, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Copy();

    [GeneratedRegex(@"http://\+:(?<port>\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex ListenedPort();

    /// <summary>Connection strings of PostgreSQL: those of SQL Server begin with Server.</summary>
    [GeneratedRegex(@"\bHost=[^""'`\n]+", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex ConnectionText();
}
