#[test]
fn dump() {
    std::fs::write("/tmp/openapi.json", web::api::openapi()).unwrap();
}
