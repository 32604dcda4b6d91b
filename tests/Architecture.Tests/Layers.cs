using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using MediatR;
using Microsoft.AspNetCore.Mvc;
using Secrets.Application.Common;
using Secrets.Domain.Secrets;
using Secrets.EmbeddedPostgres;
using Secrets.Infrastructure.Foundation;
using Secrets.TestKit;

namespace Secrets.Architecture.Tests;

public sealed class Layers
{
    private static readonly Assembly Domain = typeof(Secret).Assembly;
    private static readonly Assembly Application = typeof(Caller).Assembly;
    private static readonly Assembly Infrastructure = typeof(StartupException).Assembly;
    private static readonly Assembly Embedded = typeof(EmbeddedEngine).Assembly;
    private static readonly Assembly Api = typeof(Program).Assembly;

    [Fact]
    public void The_domain_depends_only_on_the_runtime() =>
        Assert.All(ReferencesOf(Domain), name => Assert.StartsWith("System.", name, StringComparison.Ordinal));

    [Fact]
    public void The_application_depends_on_no_web_framework_provider_or_higher_layer()
    {
        string[] forbidden = ["Microsoft.AspNetCore", "Npgsql", "Microsoft.Data.SqlClient", "Microsoft.EntityFrameworkCore.SqlServer", "Secrets.Infrastructure", "Secrets.Api"];
        Assert.DoesNotContain(
            ReferencesOf(Application), name => forbidden.Any(start => name.StartsWith(start, StringComparison.Ordinal)));
    }

    [Fact]
    public void The_infrastructure_does_not_depend_on_the_api() =>
        Assert.DoesNotContain("Secrets.Api", ReferencesOf(Infrastructure));

    [Fact]
    public void Only_the_api_references_the_embedded_database() => Assert.Equal(
        [Api], new[] { Domain, Application, Infrastructure, Api }.Where(assembly => ReferencesOf(assembly).Contains(Embedded.GetName().Name!)));

    [Fact]
    public void The_embedded_database_uses_five_names_of_the_infrastructure_and_no_other_layer()
    {
        Assert.Equal(["Secrets.Infrastructure"], ReferencesOf(Embedded).Where(name => name.StartsWith("Secrets.", StringComparison.Ordinal)));
        Assert.Equal(
            ["IDatabaseEngine", "IDatabaseServer", "PostgresEngine.RegisterContext", "SettingsBinding.AddSettings", "StartupException..ctor"],
            NamesOf(Infrastructure, Embedded));
    }

    [Fact]
    public void Every_request_declares_its_scope()
    {
        var requests = RequestTypes().ToList();
        Assert.NotEmpty(requests);
        Assert.All(requests, request => Assert.NotNull(request.GetCustomAttribute<RequiresScopeAttribute>()));
        Assert.All(requests, request => Assert.NotEmpty(request.GetCustomAttribute<RequiresScopeAttribute>()!.AnyOf));
        Assert.All(requests, request => Assert.DoesNotContain(default, request.GetCustomAttribute<RequiresScopeAttribute>()!.AnyOf));
    }

    [Fact]
    public void Every_request_declares_its_audit_action()
    {
        var requests = RequestTypes().ToList();
        Assert.NotEmpty(requests);
        Assert.All(requests, request => Assert.NotNull(request.GetCustomAttribute<AuditedAsAttribute>()));
    }

    [Fact]
    public void Every_request_and_its_handler_share_a_file()
    {
        var handlers = Application.GetTypes()
            .SelectMany(type => type.GetInterfaces().Where(IsHandler).Select(contract => (Request: contract.GetGenericArguments()[0], Handler: type)))
            .ToLookup(pair => pair.Request, pair => pair.Handler);
        Assert.All(RequestTypes(), request =>
        {
            var handler = Assert.Single(handlers[request]);
            Assert.Equal($"{request.Name}Handler", handler.Name);
            Assert.Equal(request.Namespace, handler.Namespace);
            var feature = request.Namespace!["Secrets.Application.".Length..].Replace('.', '/');
            var source = File.ReadAllText(Path.Combine(Repository.Root, "src", "Application", feature, $"{request.Name}.cs"));
            Assert.Contains($"class {handler.Name}", source, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_class_has_at_most_five_dependencies()
    {
        // The guard needs unrelated services that only the start uses together.
        string[] exceptions = ["RootKeyGuard"];
        var crowded = new[] { Application, Infrastructure, Embedded, Api }
            .SelectMany(assembly => assembly.GetTypes())
            .Where(type => type is { IsClass: true, IsAbstract: false } && type.Name[0] != '<' && !IsRecord(type) && !exceptions.Contains(type.Name))
            .Where(type => type.GetConstructors(BindingFlags.Public | BindingFlags.Instance)
                .Any(constructor => constructor.GetParameters().Count(parameter => parameter.ParameterType.IsInterface || parameter.ParameterType.IsClass) > 5))
            .Select(type => type.Name);
        Assert.Empty(crowded);
    }

    [Fact]
    public void Controllers_depend_on_the_mediator_alone()
    {
        var controllers = Api.GetTypes().Where(type => type.IsAssignableTo(typeof(ControllerBase))).ToList();
        Assert.NotEmpty(controllers);
        Assert.All(controllers, controller =>
            Assert.Equal([typeof(IMediator)], Assert.Single(controller.GetConstructors()).GetParameters().Select(parameter => parameter.ParameterType)));
    }

    [Fact]
    public void Classes_are_sealed()
    {
        var open = new[] { Domain, Application, Infrastructure, Embedded, Api }
            .SelectMany(assembly => assembly.GetTypes())
            .Where(type => type is { IsClass: true, IsSealed: false, IsAbstract: false } && type.Name[0] != '<' && type != typeof(Program))
            .Where(type => !type.FullName!.Contains("Migrations", StringComparison.Ordinal))
            .Where(type => type.Namespace?.StartsWith("Secrets.", StringComparison.Ordinal) == true)
            .Select(type => type.FullName);
        Assert.Empty(open);
    }

    private static IEnumerable<Type> RequestTypes() => Application.GetTypes()
        .Where(type => !type.IsAbstract && type.GetInterfaces().Any(contract =>
            contract.IsGenericType && contract.GetGenericTypeDefinition() == typeof(IRequest<>)));

    private static bool IsHandler(Type contract) =>
        contract.IsGenericType && contract.GetGenericTypeDefinition() == typeof(IRequestHandler<,>);

    private static bool IsRecord(Type type) => type.GetMethod("<Clone>$") is not null;

    /// <summary>The interfaces of an assembly that another one names, and the members of its classes that the other one calls.</summary>
    private static List<string> NamesOf(Assembly used, Assembly user)
    {
        using var file = new PEReader(File.OpenRead(user.Location));
        var metadata = file.GetMetadataReader();
        var interfaces = used.GetTypes().Where(type => type.IsInterface).Select(type => type.Name).ToHashSet(StringComparer.Ordinal);
        var members = metadata.MemberReferences.Select(metadata.GetMemberReference)
            .ToLookup(member => member.Parent, member => metadata.GetString(member.Name));
        return
        [
            .. metadata.TypeReferences
                .Select(handle => (Handle: handle, Type: metadata.GetTypeReference(handle)))
                .Where(found => found.Type.ResolutionScope is { Kind: HandleKind.AssemblyReference } scope
                    && metadata.StringComparer.Equals(metadata.GetAssemblyReference((AssemblyReferenceHandle)scope).Name, used.GetName().Name!))
                .SelectMany(found => metadata.GetString(found.Type.Name) is var name && interfaces.Contains(name)
                    ? [name]
                    : members[found.Handle].DefaultIfEmpty("*").Select(member => $"{name}.{member}"))
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal),
        ];
    }

    private static IEnumerable<string> ReferencesOf(Assembly assembly) => assembly.GetReferencedAssemblies().Select(name => name.Name!);
}
